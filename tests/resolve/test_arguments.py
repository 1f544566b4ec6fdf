"""Arguments held against a card: every one that is wrong is said, and none that may be right."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import Finding
from zoo.workspace import Workspace

Findings = Callable[..., list[Finding]]
Make = Callable[..., Path]
Tiny = Callable[..., str]

MODULE = '''
import keras

class Widen(keras.layers.Layer):
    """Widens.

    Args:
        width: Integer. How wide it gets. Any will do.
        mode: How.
    """

    def __init__(
        self, width, mode: "Literal['soft', 'hard']" = "soft", scale: float = 1.0, **kwargs
    ):
        super().__init__(**kwargs)

class Box(keras.layers.Layer):
    def __init__(self, width: int, depth: int, **kwargs):
        super().__init__(**kwargs)

class Loose(keras.layers.Layer):
    def __init__(self, width: int, **kwargs):
        self.rest = kwargs

def off(y_true, y_pred, power: float = 1.0): ...

def waves(samples: int, size: int = 8): ...

def patient(model, data, settings, callbacks, rounds: int = 1): ...

def worst(m, d, split: str = "test"): ...

class Patient(keras.callbacks.Callback):
    def __init__(self, rounds: int): ...

class Smooth:
    def __init__(self, strength: float): ...

made = (lambda: Widen)()
'''
GROUPS = {
    "zoo.layers": {
        "Widen": "extra_mod:Widen",
        "Box": "extra_mod:Box",
        "Loose": "extra_mod:Loose",
        "Made": "extra_mod:made",
    },
    "zoo.losses": {"off": "extra_mod:off"},
    "zoo.metrics": {"off_too": "extra_mod:off"},
    "zoo.datasets": {"waves": "extra_mod:waves"},
    "zoo.loops": {"patient": "extra_mod:patient"},
    "zoo.evaluators": {"worst": "extra_mod:worst"},
    "zoo.callbacks": {"Patient": "extra_mod:Patient"},
    "zoo.regularizers": {"Smooth": "extra_mod:Smooth"},
}


@pytest.fixture
def found(make_distribution: Make, write_config: Callable[..., Path], tiny: Tiny) -> Findings:
    """What a check finds in the tables behind two layers; the plugin is never imported."""
    source = f"raise RuntimeError('imported')\n{MODULE}"
    make_distribution("zoo-extra", GROUPS, {"extra_mod.py": source})
    return lambda tables: Workspace().check(write_config(tiny("", tables))).findings


def said(findings: list[Finding]) -> list[tuple[str, str | None, str, str | None]]:
    return [(f.code, f.key, f.message.partition(") ")[2], f.suggestion) for f in findings]


def test_arguments_that_are_right_are_not_mentioned(found: Findings) -> None:
    tables = """
[[layers]]
type = "Widen"
width = 3
mode = "hard"
scale = 2
dtype = "float32"
"""
    assert found(tables) == []


def test_an_unknown_argument_names_the_right_one(found: Findings) -> None:
    assert said(found('[[layers]]\ntype = "Widen"\nwidth = 1\nscal = 2.0\n')) == [
        (
            "unknown-argument",
            "layers.widen.scal",
            "takes no argument 'scal'",
            'did you mean "scale"?',
        )
    ]


def test_an_argument_like_none_lists_what_there_is(found: Findings) -> None:
    ((code, key, message, hint),) = said(found('[data]\ntype = "waves"\nsamples = 1\nqq = 2\n'))
    assert (code, key, message) == ("unknown-argument", "data.qq", "takes no argument 'qq'")
    assert hint == "it takes samples, size"


def test_a_missing_argument_says_what_it_is_for(found: Findings) -> None:
    assert said(found('[[layers]]\ntype = "Widen"\n')) == [
        ("missing-argument", "layers.widen.width", "needs the argument 'width'", "Integer")
    ]


def test_a_typo_of_a_required_argument_is_one_error(found: Findings) -> None:
    assert said(found('[[layers]]\ntype = "Widen"\nwdith = 3\n')) == [
        (
            "unknown-argument",
            "layers.widen.wdith",
            "takes no argument 'wdith'",
            'did you mean "width"?',
        )
    ]


def test_a_typo_of_one_required_argument_leaves_the_other_missing(found: Findings) -> None:
    findings = said(found('[[layers]]\ntype = "Box"\nwdith = 3\n'))
    assert sorted((code, key) for code, key, *_ in findings) == [
        ("missing-argument", "layers.box.depth"),
        ("unknown-argument", "layers.box.wdith"),
    ]


def test_an_unknown_argument_that_is_no_typo_leaves_the_missing_one_missing(
    found: Findings,
) -> None:
    codes = [code for code, *_ in said(found('[[layers]]\ntype = "Widen"\nqqqq = 3\n'))]
    assert codes == ["missing-argument", "unknown-argument"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('width = "3"', "takes an integer as 'width'; received \"3\""),
        ("width = 3.0", "takes an integer as 'width'; received 3.0"),
        ("width = true", "takes an integer as 'width'; received true"),
        ("width = [3]", "takes an integer as 'width'; received [3]"),
        ('width = { type = "ReLU" }', "takes an integer as 'width'; received the component ReLU"),
        ('width = 3\nscale = "1"', "takes a number as 'scale'; received \"1\""),
        ("width = 3\nmode = 1", "takes a string as 'mode'; received 1"),
    ],
)
def test_an_ill_typed_argument_says_what_is_taken_and_what_was_given(
    found: Findings, written: str, message: str
) -> None:
    ((code, _, words, _),) = said(found(f'[[layers]]\ntype = "Widen"\n{written}\n'))
    assert (code, words) == ("wrong-type", message)


def test_a_long_value_is_cut_in_the_message(found: Findings) -> None:
    (finding,) = found(f'[[layers]]\ntype = "Widen"\nwidth = "{"x" * 500}"\n')
    assert len(finding.message) < 200
    assert finding.message.endswith("xxx...")


def test_a_string_that_is_no_choice_names_the_choices_and_the_one_meant(found: Findings) -> None:
    assert said(found('[[layers]]\ntype = "Widen"\nwidth = 3\nmode = "sotf"\n')) == [
        (
            "bad-value",
            "layers.widen.mode",
            "takes one of soft, hard as 'mode'; received \"sotf\"",
            'did you mean "soft"?',
        )
    ]


@pytest.mark.parametrize("padding", ["same", "SAME", "Valid"])
def test_keras_choices_are_taken_in_any_case_as_keras_does(found: Findings, padding: str) -> None:
    before = '[[layers]]\ntype = "Dense"\nunits = 8\n[[layers]]\ntype = "Reshape"\n'
    before += 'target_shape = [4, 2]\n[[layers]]\ntype = "Conv1D"\nfilters = 1\n'
    table = f'kernel_size = 2\npadding = "{padding}"\n'
    assert found(before + table) == []


EVERYWHERE = """
[[layers]]
type = "Dense"
units = 1
kernel_regularizer = { type = "Smooth", strenght = 0.1 }
[loss]
type = "off"
pwoer = 2.0
[[metrics]]
type = "off_too"
power = "2"
[optimizer]
type = "Adam"
learning_rate = { type = "CosineDecay", initial_learning_rate = 0.1, decay_step = 10 }
[data]
type = "waves"
sample = 3
[train]
loop = { type = "patient", round = 2 }
callbacks = [{ type = "Patient", rounds = 1.5 }]
[[evaluate]]
type = "worst"
splitt = "test"
"""


def test_every_kind_of_component_is_checked_in_one_pass_nested_ones_too(found: Findings) -> None:
    assert [(finding.code, finding.key) for finding in found(EVERYWHERE)] == [
        ("unknown-argument", "layers.dense.kernel_regularizer.strenght"),
        ("unknown-argument", "loss.pwoer"),
        ("wrong-type", "metrics.off_too.power"),
        ("unknown-argument", "optimizer.learning_rate.decay_step"),
        ("unknown-argument", "data.sample"),
        ("unknown-argument", "train.loop.round"),
        ("wrong-type", "train.callbacks.patient.rounds"),
        ("unknown-argument", "evaluate.worst.splitt"),
    ]


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ('[train]\nloop = { type = "patient", model = 1 }', "model"),
        ('[[evaluate]]\ntype = "worst"\nd = 1', "d"),
        ('[loss]\ntype = "off"\ny_pred = 1', "y_pred"),
    ],
)
def test_what_the_zoo_or_keras_gives_is_no_argument_of_a_config(
    found: Findings, table: str, name: str
) -> None:
    ((code, _, message, _),) = said(found(f"{table}\n"))
    assert (code, message) == ("unknown-argument", f"takes no argument {name!r}")


def test_what_is_not_known_for_certain_is_never_wrong(found: Findings) -> None:
    loose = '[[layers]]\ntype = "Loose"\nwidth = 1\nwhatever = "a"\n'
    made = '[[layers]]\ntype = "Made"\nanything = 1\n'
    assert found(loose + made) == []


def test_a_known_argument_of_an_open_class_is_checked_all_the_same(found: Findings) -> None:
    codes = [code for code, *_ in said(found('[[layers]]\ntype = "Loose"\nwidth = "a"\n'))]
    assert codes == ["wrong-type"]


def test_arguments_in_args_are_checked_and_pointed_at(found: Findings) -> None:
    (finding,) = found('[[layers]]\ntype = "Widen"\nargs = { width = "a" }\n')
    assert (finding.code, finding.key) == ("wrong-type", "layers.widen.width")
    assert finding.excerpt is not None
    assert finding.column is not None
    assert finding.excerpt[finding.column - 1 :].startswith('"a"')


def test_the_alias_of_a_component_is_checked_like_the_component(found: Findings) -> None:
    (finding,) = found('[optimizer]\ntype = "adam"\nlearning_rat = 0.1\n')
    assert finding.suggestion == 'did you mean "learning_rate"?'


@pytest.mark.parametrize(
    ("lines", "name", "said_"),
    [
        ('type = "Dense"\nunits = 1\nactivation = 3', "activation", "an activation"),
        ('type = "Dense"\nunits = 1\nbias_regularizer = { l2 = 0.1 }', "bias_regularizer", "a re"),
        ('type = "Bidirectional"\nlayer = "LSTM"', "layer", "a layer"),
    ],
)
def test_where_keras_takes_a_component_nothing_else_will_do(
    found: Findings, lines: str, name: str, said_: str
) -> None:
    (finding,) = found(f'[[layers]]\nname = "new"\n{lines}\n')
    assert (finding.code, finding.key) == ("wrong-type", f"layers.new.{name}")
    assert f"(zoo) takes {said_}" in finding.message
    assert "a component is a table with `type`" in str(finding.suggestion)


def test_a_learning_rate_is_a_number_or_a_schedule(found: Findings) -> None:
    schedule = '{ type = "CosineDecay", initial_learning_rate = 1, decay_steps = 3 }'
    for value in ("1", "0.5", schedule):
        assert found(f'[optimizer]\ntype = "Adam"\nlearning_rate = {value}\n') == []
    (finding,) = found('[optimizer]\ntype = "Adam"\nlearning_rate = [1]\n')
    assert finding.message == "\"Adam\" (zoo) takes a schedule as 'learning_rate'; received [1]"


@pytest.mark.parametrize(
    ("tables", "key", "hint"),
    [
        (
            '[optimizer]\ntype = "Adam"\nlr = 0.1\n',
            "optimizer.lr",
            "write `learning_rate`",
        ),
        (
            '[optimizer]\ntype = "SGD"\ndecay = 0.1\n',
            "optimizer.decay",
            'write a schedule: learning_rate = { type = "InverseTimeDecay", ... }',
        ),
        (
            '[[layers]]\ntype = "LeakyReLU"\nalpha = 0.1\n',
            "layers.leaky_re_lu.alpha",
            "write `negative_slope`",
        ),
        (
            '[[layers]]\nname = "d"\ntype = "Dense"\nunits = 1\ninput_shape = [8]\n',
            "layers.d.input_shape",
            "the shapes of a model's inputs stand in [[inputs]]",
        ),
    ],
    ids=lambda text: text.rpartition("\n")[0] or text,
)
def test_an_argument_that_keras_had_once_is_told_what_it_is_now(
    found: Findings, tables: str, key: str, hint: str
) -> None:
    assert [(f.code, f.key, f.suggestion) for f in found(tables)] == [
        ("unknown-argument", key, hint)
    ]


def test_what_the_zoo_gives_an_evaluator_by_its_name_is_no_argument_of_a_config(
    make_distribution: Callable[..., Path], write_config: Callable[..., Path], tiny: Tiny
) -> None:
    source = "def judge(model, data, *, report, split='test'): ...\n"
    make_distribution(
        "zoo-judge", {"zoo.evaluators": {"judge": "judging:judge"}}, {"judging.py": source}
    )
    right = '[[evaluate]]\ntype = "judge"\nsplit = "validation"\n'
    assert Workspace().check(write_config(tiny("", right))).findings == []
    (finding,) = Workspace().check(write_config(tiny("", f"{right}report = 1\n"))).findings
    assert (finding.code, finding.key) == ("unknown-argument", "evaluate.judge.report")
