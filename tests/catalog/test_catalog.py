"""The catalog: finding what a config means, and saying so where nothing is meant."""

import pytest

import zoo
from zoo.catalog.catalog import Catalog, broken
from zoo.catalog.discovery import find_components
from zoo.catalog.habits import MEANT, REMEDIES
from zoo.components import Component
from zoo.errors import ConfigError, PluginError


def component(name: str, distribution: str = "zoo", kind: str = "layers", **more: str) -> Component:
    return Component(kind, name, distribution, "1.0", f"module:{name}", **more)  # type: ignore[arg-type]


CATALOG = Catalog(
    [
        component("Dense"),
        component("Mine", "zoo-one"),
        component("Mine", "zoo-two"),
        component("weighted_mse", "zoo-extra", "losses"),
        component("Bad", "zoo-bad", status="broken", reason="there is no module bad"),
        component("Adam", kind="optimizers"),
    ],
    disabled=[component("Hidden", "zoo-off")],
)
INSTALLED = find_components(disabled="1")


def refused(kind: str, name: str) -> tuple[str, str, str | None]:
    with pytest.raises(ConfigError) as info:
        CATALOG.find(kind, name)
    (finding,) = info.value.findings
    return finding.code, finding.message, finding.suggestion


@pytest.mark.parametrize("name", ["Dense", "zoo/Dense", "Zoo/Dense"])
def test_a_component_has_a_bare_name_and_a_qualified_one(name: str) -> None:
    assert CATALOG.find("layers", name).name == "Dense"


@pytest.mark.parametrize("distribution", ["zoo-two", "Zoo_Two"])
def test_the_qualified_name_decides_between_two(distribution: str) -> None:
    assert CATALOG.find("layers", f"{distribution}/Mine").distribution == "zoo-two"


def test_a_bare_name_that_two_have_is_ambiguous_and_names_both() -> None:
    assert refused("layers", "Mine") == (
        "ambiguous-component",
        '"Mine" is registered by zoo-one and zoo-two',
        "write 'zoo-one/Mine' or 'zoo-two/Mine'",
    )


@pytest.mark.parametrize(
    ("kind", "name", "message", "suggestion"),
    [
        ("layers", "dense", 'no layer is called "dense"', 'did you mean "Dense"? (zoo 1.0)'),
        (
            "losses",
            "weighted_mes",
            'no loss is called "weighted_mes"',
            'did you mean "weighted_mse"? (zoo-extra 1.0)',
        ),
        (
            "layers",
            "zoo-one/Mime",
            'no layer is called "zoo-one/Mime"',
            'did you mean "zoo-one/Mine"? (zoo-one 1.0)',
        ),
        (
            "layers",
            "Adam",
            'no layer is called "Adam"',
            "there is one of that name among the optimizers",
        ),
        (
            "layers",
            "Hidden",
            'no layer is called "Hidden"',
            "zoo-off has it, but ZOO_DISABLE_PLUGINS leaves that plugin out",
        ),
        (
            "losses",
            "qqqqqq",
            'no loss is called "qqqqqq"',
            "`zoo list losses` shows what there is",
        ),
        (
            "callbacks",
            "X",
            'no callback is called "X"',
            "`zoo list callbacks` shows what there is",
        ),
    ],
)
def test_an_unknown_name_says_what_might_be_meant_and_who_has_it(
    kind: str, name: str, message: str, suggestion: str
) -> None:
    assert refused(kind, name) == ("unknown-component", message, suggestion)


@pytest.mark.parametrize(
    ("kind", "name", "suggestion"),
    [
        ("metrics", "rmse", 'did you mean "RootMeanSquaredError"?'),
        ("metrics", "smape", "`zoo list metrics` shows what there is"),
        ("losses", "rmse", 'write "mse": it is least where its root is'),
        ("losses", "SCE", 'did you mean "SparseCategoricalCrossentropy"?'),
        ("optimizers", "sgdm", 'that is { type = "SGD", momentum = 0.9 }'),
        ("layers", "Lambda", "a config holds no code: write a layer in a plugin"),
        (
            "callbacks",
            "LearningRateScheduler",
            "write a schedule as `learning_rate` of [optimizer]",
        ),
        (
            "optimizers",
            "adam(learning_rate=0.01, amsgrad=True)",
            "arguments stand beside the type: "
            '{ type = "adam", learning_rate = 0.01, amsgrad = true }',
        ),
        ("regularizers", "l2(0.01)", 'arguments stand beside the type: { type = "l2", l2 = 0.01 }'),
        ("optimizers", "adam(lr)", "`zoo list optimizers` shows what there is"),
    ],
)
def test_what_is_written_elsewhere_is_told_what_it_is_here(
    kind: str, name: str, suggestion: str
) -> None:
    with pytest.raises(ConfigError) as info:
        INSTALLED.find(kind, name)
    (finding,) = info.value.findings
    assert finding.suggestion is not None
    assert finding.suggestion.removesuffix(f" (zoo {zoo.__version__})") == suggestion


def test_whatever_is_said_to_be_meant_is_there_and_its_other_name_is_not() -> None:
    for kind, names in MEANT.items():
        rows = {row.name for row in INSTALLED.of_kind(kind)}
        assert set(names.values()) <= rows
        assert not rows & {*names, *REMEDIES.get(kind, ())}


def test_a_broken_component_is_an_error_of_its_plugin() -> None:
    with pytest.raises(PluginError) as info:
        CATALOG.find("layers", "Bad")
    assert str(info.value) == (
        'error[plugin-broken]: "Bad" of zoo-bad 1.0 cannot be used: there is no module bad\n'
        "  = repair or remove zoo-bad, or leave it out with ZOO_DISABLE_PLUGINS=zoo-bad"
    )
    assert broken(component("A"), "why").findings[0].message.endswith("cannot be used: why")


def test_rows_are_given_by_kind_and_by_name() -> None:
    assert [row.name for row in CATALOG.of_kind("losses")] == ["weighted_mse"]
    assert len(CATALOG.named("Mine")) == 2
    assert len(CATALOG.named("zoo-one/Mine")) == 1
    assert CATALOG.named("Hidden") == ()
