"""The rules of the house: who may import whom, how large a room may be, which words it knows."""

import ast
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import zoo
from tests.candidates import a_candidate
from zoo.graph import CycleFound, topological_order
from zoo.registry.publishing import publish

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "zoo"
FLOORS = {
    0: {"errors", "graph", "digest", "differences", "files", "components", "rows"},
    1: {"cache", "config", "catalog", "registry", "store", "arrays", "progress"},
    2: {
        "resolve",
        "checks",
        "schema",
        "shapes",
        "sources",
        "workspace",
        "comparing",
        "runs",
        "plugins",
        "doctor",
        "scaffold",
        "locking",
    },
    3: {"runtime", "builtin", "testing", "report", "sweeps"},
    4: {"cli", "__main__"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
DOMAIN_WORDS = re.compile(r"lorenz|(?<![a-z])gains?(?![a-z])|ensemble|localization", re.IGNORECASE)


@cache
def modules() -> dict[str, Path]:
    """Every module of the core by its dotted name."""
    return {_dotted(path): path for path in sorted(CORE.rglob("*.py"))}


@cache
def written() -> tuple[Path, ...]:
    """Every file of Python in the repository, its tests too."""
    return tuple(
        path
        for room in ("zoo", "plugins", "benchmarks", "docs", "examples", "tests")
        for path in sorted((ROOT / room).rglob("*.py"))
    )


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(name: str) -> set[str]:
    """Every module that a module imports, at its top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(tree(modules()[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & modules().keys()) or {str(node.module)}
    return found


def functions() -> Iterator[tuple[str, str, int]]:
    for path in [*modules().values(), *sorted((ROOT / "plugins").glob("*/src/**/*.py"))]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(path), node.name, (node.end_lineno or 0) - node.lineno + 1


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def _python(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    assert {_room(name) for name in modules()} - {""} == set(FLOOR_OF)


@pytest.mark.parametrize("name", sorted(set(modules()) - {"zoo"}))
def test_a_module_looks_down_or_sideways_never_up(name: str) -> None:
    own = FLOOR_OF[_room(name)]
    up = [
        imported
        for imported in imports(name)
        if imported.startswith("zoo.") and FLOOR_OF[_room(imported)] > own
    ]
    assert up == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    # `zoo` itself is the surface: what it imports at its top counts, the rest only inside calls.
    parents = {name: imports(name) & modules().keys() - {"zoo"} for name in modules()}
    try:
        assert len(topological_order(parents)) == len(modules())
    except CycleFound as cycle:
        pytest.fail(f"a circle: {cycle}")


def test_floor_zero_needs_the_standard_library_alone() -> None:
    for room in FLOORS[0]:
        outside = {name.partition(".")[0] for name in imports(f"zoo.{room}")} - {"zoo"}
        assert outside <= sys.stdlib_module_names


def test_tensorflow_is_imported_in_one_room_of_the_runtime() -> None:
    users = {n for n in modules() if any(i.partition(".")[0] == "tensorflow" for i in imports(n))}
    # `exported` is a program of its own: it loads SavedModels and TensorFlow Lite files, which only
    # TensorFlow can, in a process without the zoo.
    within = {f"zoo.runtime.{name}" for name in ("steps", "strategies", "batches")}
    assert users == within | {"zoo.runtime.exported"}


def test_keras_is_imported_by_runtime_built_in_components_and_the_kit_alone() -> None:
    users = {n for n in modules() if any(i.partition(".")[0] == "keras" for i in imports(n))}
    assert {_room(name) for name in users} == {"runtime", "builtin", "testing"}


@pytest.mark.parametrize("name", sorted(modules()))
def test_the_core_knows_no_domain_word(name: str) -> None:
    lines = modules()[name].read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if DOMAIN_WORDS.search(line)] == []


def test_no_file_is_longer_than_the_measure() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in written()}
    assert {name: count for name, count in lengths.items() if count > MOST_LINES} == {}


def test_no_function_is_longer_than_the_measure() -> None:
    assert [row for row in functions() if row[2] > MOST_LINES_OF_A_FUNCTION] == []


def test_no_package_has_a_function_that_one_of_its_modules_would_take_the_place_of() -> None:
    for package in [path for path in modules().values() if path.name == "__init__.py"]:
        inside = {module.name for module in pkgutil.iter_modules([str(package.parent)])}
        own = {node.name for node in tree(package).body if isinstance(node, ast.FunctionDef)}
        assert inside.isdisjoint(own), package
    assert {module.name for module in pkgutil.iter_modules(zoo.__path__)}.isdisjoint(zoo.__all__)


def test_no_module_keeps_a_registry_that_importing_fills() -> None:
    empty = [
        f"{name}:{node.lineno}"
        for name, path in modules().items()
        for node in tree(path).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Dict | ast.List | ast.Set)
        and not (node.value.keys if isinstance(node.value, ast.Dict) else node.value.elts)
    ]
    assert empty == []


LIGHT = """\
list
list models
show Dense
show model.toml
show small@1.0.0
check model.toml
schema
verify
verify --migrate
gc
gc --delete
lock model.toml
runs
diff model.toml model.toml
doctor
deprecate small@1.0.0
yank small@1.0.0
plugin list
new zoo other
new model mine
new plugin zoo-mine
"""
LOOKING = """
import sys

def look(words):
    heavy = {"keras", "tensorflow", "jax", "torch"} & set(sys.modules)
    assert not heavy, (words, heavy)

import zoo
look("import zoo")
from zoo.cli import main
for words in sys.argv[1].splitlines():
    sys.argv = ["zoo", *words.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (words, end.code)
    look(words)
"""


def test_importing_and_looking_need_neither_keras_nor_tensorflow(zoo_root: Path) -> None:
    (zoo_root / "model.toml").write_text(
        'zoo = 1\nname = "tiny"\nloss = "mse"\nmetrics = ["mae"]\n[[inputs]]\nname = "x"\n'
        'shape = [8]\n[[layers]]\ntype = "Dense"\nunits = 1\n[data]\ntype = "synthetic"\n'
        "x_shape = [8]\ny_shape = [1]\n[train]\nepochs = 2\n"
    )
    publish(zoo_root, a_candidate("small"))
    # All in one process: a command may find imported what those before it needed, never Keras.
    done = _python("-c", LOOKING, LIGHT, cwd=zoo_root)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("*/src/**/*.py")), ids=str)
def test_a_plugins_modules_never_import_zoo(path: Path) -> None:
    imported = {name.partition(".")[0] for node in ast.walk(tree(path)) for name in _names(node)}
    assert "zoo" not in imported


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def test_the_pinned_versions_are_names_and_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [
        line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][\w.+!]*", line)
    ] == []
    assert len(lines) > 20
