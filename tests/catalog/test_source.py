"""The look into a component's source, which imports nothing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.catalog.source import read_source
from zoo.components import Component

Make = Callable[..., Path]

LAYERS = '''
raise RuntimeError("imported")

class Plain:
    """A layer without arguments.

    More.
    """

class Full(Plain):
    """A layer with all of them."""

    def other(self): ...

    def __init__(self, units, /, size=3, *sizes, name=None, rate, **kwargs): ...

def loss(y_true, y_pred, delta=-1.5): ...
'''


def component(target: str) -> Component:
    return Component("layers", "Any", "zoo-extra", "1.0", target)


@pytest.fixture
def package(make_distribution: Make) -> Path:
    modules = {
        "pack/__init__.py": "import os\nfrom .layers import Full as Renamed, Plain\n"
        "from pack.inner import Deep\nfrom . import layers\nfrom .nowhere import Gone\n",
        "pack/layers.py": LAYERS,
        "pack/inner/__init__.py": "from ..layers import Full as Deep\n",
        "pack/circle.py": "from pack.circle import Round\n",
        "pack/wrong.py": "def broken(:\n",
        "single.py": "class Single:\n    pass\n",
    }
    return make_distribution("zoo-extra", "", modules)


def test_the_arguments_are_those_of_the_constructor(package: Path) -> None:
    card = read_source(component("pack.layers:Full"))
    assert card is not None
    assert card.arguments == {"units": None, "size": "3", "name": "None", "rate": None}
    assert card.docstring == "A layer with all of them."
    assert Path(card.file) == package / "pack" / "layers.py"
    assert LAYERS.splitlines()[card.line - 1].startswith("class Full")


def test_a_class_without_a_constructor_shows_no_arguments(package: Path) -> None:
    card = read_source(component("pack.layers:Plain"))
    assert card is not None
    assert (card.arguments, card.docstring.splitlines()[0]) == (
        {},
        "A layer without arguments.",
    )


def test_a_function_shows_its_own(package: Path) -> None:
    card = read_source(component("pack.layers:loss"))
    assert card is not None
    assert card.arguments == {"y_true": None, "y_pred": None, "delta": "-1.5"}
    assert card.docstring == ""


@pytest.mark.parametrize("name", ["Renamed", "Deep"])
def test_re_exports_are_followed_under_their_new_name(package: Path, name: str) -> None:
    card = read_source(component(f"pack:{name}"))
    assert card is not None
    assert Path(card.file) == package / "pack" / "layers.py"
    assert "units" in card.arguments


def test_a_module_that_is_one_file_is_found(package: Path) -> None:
    card = read_source(component("single:Single"))
    assert card is not None
    assert (Path(card.file).name, card.line) == ("single.py", 1)


@pytest.mark.parametrize(
    "target",
    [
        "pack:Missing",
        "pack:Gone",
        "pack.gone:X",
        "pack.wrong:broken",
        "pack.circle:Round",
        "pack.gone.deeper:X",
        "nowhere_at_all:X",
        "itertools:chain",
    ],
)
def test_where_the_source_cannot_be_found_there_is_no_card(package: Path, target: str) -> None:
    assert read_source(component(target)) is None


def test_nothing_is_imported(package: Path) -> None:
    before = set(sys.modules)
    read_source(component("pack:Renamed"))
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("target", "argument", "default"),
    [
        ("keras.layers:Dense", "units", None),
        ("keras.layers:Conv1D", "padding", "'valid'"),
        ("keras.losses:MeanSquaredError", "reduction", "'sum_over_batch_size'"),
        ("keras.optimizers:Adam", "learning_rate", "0.001"),
        ("keras.callbacks:EarlyStopping", "patience", "0"),
    ],
)
def test_keras_re_exports_are_followed_too(target: str, argument: str, default: str | None) -> None:
    card = read_source(component(target))
    assert card is not None
    assert card.arguments[argument] == default
    assert card.docstring


def test_reading_keras_source_does_not_import_keras() -> None:
    program = (
        "import sys\nfrom zoo.catalog.source import read_source\n"
        "from zoo.components import Component\n"
        "card = read_source(Component('layers', 'Dense', 'zoo', '1', 'keras.layers:Dense'))\n"
        "assert 'units' in card.arguments\nassert 'keras' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
