"""A plugin's shape rule is imported, and Keras is not by it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.components import Component
from zoo.shapes.loading import load_rule

Make = Callable[..., Path]

LAZY = """\
try:
    import torch
except ImportError as error:
    torch = str(error)
import widen.deep.helper, beside_widen
def widen(arguments, shapes): ...
"""
FROM_A_THREAD = """\
import threading
def get():
    global torch
    import torch
thread = threading.Thread(target=get)
thread.start()
thread.join()
def widen(arguments, shapes): ...
"""
MODULES = {
    "widen/__init__.py": "",
    "widen/before.py": "",
    "widen/deep/__init__.py": "",
    "widen/deep/helper.py": "",
    "beside_widen.py": "",
    "torch.py": "",
}
"""A package with a rule; what is heavy is there as well, and would be imported in no time."""


@pytest.fixture
def rule_of(make_distribution: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Component]:
    """Installs a package whose module `widen.deep.rule` is a text; gives the row of its rule."""

    def install(text: str, target: str = "widen.deep.rule:widen") -> Component:
        monkeypatch.delitem(sys.modules, "torch", raising=False)
        make_distribution("zoo-widen", "", {**MODULES, "widen/deep/rule.py": text})
        return Component("shapes", "Widen", "zoo-widen", "1.0", target)

    return install


RuleOf = Callable[..., Component]


def test_a_rule_is_what_its_entry_point_names(rule_of: RuleOf) -> None:
    row = rule_of("class Rules:\n    def widen(a, s): return 3\n", "widen.deep.rule:Rules.widen")
    assert load_rule(row)({}, ()) == 3
    assert "widen.deep.rule" in sys.modules


def test_a_rule_that_imports_what_is_heavy_is_refused_with_what_it_imports(rule_of: RuleOf) -> None:
    finders = list(sys.meta_path)
    with pytest.raises(ImportError) as info:
        load_rule(rule_of("import torch\n"))
    assert str(info.value) == (
        "importing widen.deep.rule:widen raised ImportError('a shape rule may not import torch')"
    )
    assert "torch" not in sys.modules
    assert sys.meta_path == finders


def test_what_made_do_without_it_is_imported_anew_later_and_nothing_else(rule_of: RuleOf) -> None:
    row = rule_of(LAZY)
    import widen.before  # type: ignore[import-not-found]

    before = widen.before
    rule = load_rule(row)
    assert rule.__globals__["torch"] == "a shape rule may not import torch"  # type: ignore[attr-defined]
    assert sys.modules["widen.before"] is before
    assert not {"widen.deep.rule", "widen.deep.helper"} & sys.modules.keys()
    assert "beside_widen" in sys.modules


def test_another_thread_may_import_it_meanwhile(rule_of: RuleOf) -> None:
    load_rule(rule_of(FROM_A_THREAD))
    assert "torch" in sys.modules
    assert "widen.deep.rule" in sys.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("widen = 3", "widen.deep.rule:widen is not a function"),
        ("import sys\nsys.exit(2)", "importing widen.deep.rule:widen raised SystemExit(2)"),
        (
            "",
            "importing widen.deep.rule:widen raised AttributeError(\"module 'widen.deep.rule' "
            "has no attribute 'widen'\")",
        ),
    ],
)
def test_a_rule_that_is_none_is_refused_with_why(rule_of: RuleOf, text: str, said: str) -> None:
    with pytest.raises(ImportError) as info:
        load_rule(rule_of(text))
    assert str(info.value) == said


def test_a_user_who_stops_it_is_not_told_that_a_rule_failed(rule_of: RuleOf) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_rule(rule_of("raise KeyboardInterrupt"))
