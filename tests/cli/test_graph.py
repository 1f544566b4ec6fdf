"""The graph as a table, the check against Keras, and lists narrowed by a text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Make = Callable[..., Path]

CONFIG = """
zoo = 1
name = "graph"
description = "Shapes of \\u001b[31m all kinds."
outputs = ["sum"]
loss = "mse"
[[inputs]]
name = "x"
shape = ["any", 3]
[[inputs]]
name = "z"
shape = [4]
[[layers]]
name = "series"
type = "LSTM"
inputs = "x"
units = 4
return_state = true
[[layers]]
name = "again"
type = "Dense"
inputs = "z"
units = 4
[[layers]]
name = "twice"
shared_with = "again"
inputs = "again"
[[layers]]
name = "sum"
type = "Add"
inputs = ["series[1]", "twice"]
"""

TABLE = """\
node    type               inputs            output                              parameters
x       input                                (batch, any, 3)
z       input                                (batch, 4)
series  LSTM               x                 (batch, 4), (batch, 4), (batch, 4)         128
again   Dense              z                 (batch, 4)                                  20
twice   shared with again  again             (batch, 4)
sum     Add                series[1], twice  (batch, 4)                                   0
total                                                                                   148
"""


def test_show_gives_the_graph_with_shapes_and_parameters(cli: Any, zoo_root: Path) -> None:
    (zoo_root / "m.toml").write_text(CONFIG)
    shown = cli("show", "m.toml")
    assert TABLE in shown.out
    assert "\x1b" not in shown.out
    document = cli("show", "m.toml", "--json").document
    assert document["parameters"] == 148
    assert document["inputs"][0] == {"name": "x", "shape": [None, 3]}
    nodes = {node["name"]: node for node in document["nodes"]}
    assert nodes["series"]["shape"] == [[4], [4], [4]]
    assert nodes["twice"] == {
        "name": "twice",
        "type": "shared with again",
        "inputs": ["again"],
        "arguments": {},
        "shape": [4],
        "parameters": 0,
    }


def test_what_is_not_known_is_shown_as_a_question_mark(
    cli: Any, zoo_root: Path, make_distribution: Make
) -> None:
    modules = {"mute.py": "import keras\nclass Mute(keras.layers.Layer):\n    pass\n"}
    make_distribution("zoo-mute", {"zoo.layers": {"Mute": "mute:Mute"}}, modules)
    text = CONFIG.replace('"LSTM"', '"Mute"').replace("units = 4\nreturn_state = true\n", "")
    (zoo_root / "m.toml").write_text(text.replace('"series[1]"', '"series"'))
    lines = [line.split() for line in cli("show", "m.toml").out.splitlines()]
    assert ["series", "zoo-mute/Mute", "x", "?", "?"] in lines
    assert ["sum", "Add", "series,", "twice", "?", "?"] in lines
    assert ["total", "?"] in lines
    document = cli("show", "m.toml", "--json").document
    assert document["parameters"] is None
    assert document["nodes"][0]["shape"] is None


WRONG = """
import keras

class Pad(keras.layers.Layer):
    def __init__(self, by=1, **kwargs):
        super().__init__(**kwargs)
        self.by = by
    def call(self, x):
        return keras.ops.pad(x, ((0, 0), (0, self.by)))
    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + self.by)
"""
RULE = """
def pad(arguments, shapes):
    return {"output": (None, shapes[1] + 1), "weights": []}
"""


def test_a_deep_check_says_where_a_rule_and_keras_differ(
    cli: Any, zoo_root: Path, make_distribution: Make
) -> None:
    groups = {"zoo.layers": {"Pad": "pad:Pad"}, "zoo.shapes": {"Pad": "pad_shapes:pad"}}
    make_distribution("zoo-pad", groups, {"pad.py": WRONG, "pad_shapes.py": RULE})
    text = CONFIG.replace("units = 4\nreturn_state = true\n", "units = 5\n")
    text = text.replace('"series[1]"', '"series"').replace('"twice"]', '"p"]')
    text += '[[layers]]\nname = "p"\ntype = "Pad"\ninputs = "twice"\n'
    (zoo_root / "m.toml").write_text(text)
    assert cli("check", "m.toml", "--deep", "--json").document["ok"] is True
    wrong = cli("check", "m.toml", "--deep", "--json", "--set", "layers.p.by=2", status=2)
    (finding,) = wrong.document["errors"]
    assert finding["code"] == "shape-mismatch"  # Keras refuses what the wrong rule lets pass
    assert finding["key"] == "layers.sum"
    alone = ["--set", 'outputs=["p"]', "--set", "layers.p.by=2"]
    (finding,) = cli("check", "m.toml", "--deep", "--json", *alone, status=1).document["errors"]
    assert (finding["code"], finding["key"]) == ("defect", "layers.p.type")
    assert finding["message"] == (
        "p: the rule of zoo-pad/Pad gives (batch, 5), and Keras builds (batch, 6)"
    )


def test_a_deep_check_says_which_rule_cannot_be_used(
    cli: Any, zoo_root: Path, make_distribution: Make
) -> None:
    groups = {"zoo.layers": {"Pad": "pad:Pad"}, "zoo.shapes": {"Pad": "pad_shapes:pad"}}
    rule = "def pad(arguments, shapes):\n    return shapes[7]\n"
    make_distribution("zoo-pad", groups, {"pad.py": WRONG, "pad_shapes.py": rule})
    (zoo_root / "m.toml").write_text(
        'zoo = 1\nname = "m"\n[[inputs]]\nname = "x"\nshape = [3]\n[[layers]]\ntype = "Pad"\n'
    )
    assert cli("check", "m.toml", "--json").document["warnings"] == []
    (warning,) = cli("check", "m.toml", "--deep", "--json").document["warnings"]
    assert warning["message"] == (
        "the shape rule of zoo-pad/Pad cannot be used: it raised IndexError('tuple index out of "
        "range')"
    )


def test_a_list_is_narrowed_by_a_text_in_names_and_descriptions(cli: Any, zoo_root: Path) -> None:
    names = {row["name"] for row in cli("list", "layers", "--match", "conv1d", "--json").document}
    assert {"Conv1D", "SeparableConv1D", "DepthwiseConv1D"} <= names
    assert not {"Conv2D", "Dense"} & names
    kinds = {row["kind"] for row in cli("list", "--match", "softplus", "--json").document}
    assert kinds == {"activations"}
    owners = cli("list", "--match", "zoo-diagnostics", "--json").document
    assert {row["name"] for row in owners} == {"GradientNorm", "PSNR"}
    models = cli("list", "models", "--match", "published gain-to-gain", "--json").document
    assert [row["name"] for row in models] == ["clf-srcnn-lorenz05"]
    assert cli("list", "--match", "no such thing").out == "nothing matches 'no such thing'\n"
    assert cli("list", "models", "--match", "no such thing", "--json").document == []
