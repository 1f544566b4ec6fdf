"""Names followed through source files to what defines them, without importing anything."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import python
from zoo.catalog.source import SourceTree, Unreadable

Make = Callable[..., Path]

LAYERS = '''
raise RuntimeError("imported")

class Plain:
    """A layer without arguments."""

    class Inner:
        pass

class Twice:
    pass

class Twice:
    pass

Alias = Plain
made = type("made", (), {})

if True:
    class Conditional:
        pass
'''


@pytest.fixture
def package(make_distribution: Make) -> Path:
    modules = {
        "pack/__init__.py": "import os\nfrom .layers import Plain as Renamed, Plain\n"
        "from pack.inner import Deep\nfrom . import layers\nfrom . import layers as other\n"
        "from .nowhere import Gone\n",
        "pack/layers.py": LAYERS,
        "pack/inner/__init__.py": "from ..layers import Plain as Deep\n",
        "pack/stars.py": "from .layers import *\n",
        "pack/tried.py": "try:\n    from nowhere_at_all import Plain\n"
        "except ImportError:\n    from pack.layers import Plain\n",
        "pack/whole.py": "import pack.layers\nimport pack.layers as short\n"
        "One = pack.layers.Plain\nTwo = short.Plain\n",
        "pack/circle.py": "from pack.ring import Round\n",
        "pack/ring.py": "from pack.circle import Round\n",
        "pack/wrong.py": "def broken(:\n",
        "single.py": "class Single:\n    pass\n",
    }
    return make_distribution("zoo-extra", "", modules)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pack.layers", "Plain"),
        ("pack.layers", "Alias"),
        ("pack.layers", "Conditional"),
        ("pack.layers", "Plain.Inner"),
        ("pack", "Renamed"),
        ("pack", "Deep"),
        ("pack", "layers.Plain"),
        ("pack", "other.Plain"),
        ("pack.stars", "Plain"),
        ("pack.tried", "Plain"),
        ("pack.whole", "One"),
        ("pack.whole", "Two"),
    ],
)
def test_a_name_leads_to_its_definition_through_whatever_imports_it(
    package: Path, module: str, name: str
) -> None:
    definition = SourceTree().definition(module, name)
    assert definition.module.file == package / "pack" / "layers.py"
    line = LAYERS.splitlines()[definition.node.lineno - 1]
    assert line.split()[1].rstrip(":") == definition.node.name
    assert definition.place == f"{package / 'pack' / 'layers.py'}:{definition.node.lineno}"


def test_a_module_that_is_one_file_is_found(package: Path) -> None:
    definition = SourceTree().definition("single", "Single")
    assert definition.place == f"{package / 'single.py'}:1"


@pytest.mark.parametrize(
    ("module", "name", "reason"),
    [
        ("pack", "Missing", "pack does not define Missing"),
        ("pack", "Gone", "there is no source of pack.nowhere"),
        ("pack", "layers", "pack.layers is a module"),
        ("pack.layers", "Plain.Missing", "Plain does not define Missing"),
        ("pack.layers", "Twice", "pack.layers defines Twice more than once"),
        ("pack.layers", "made", "made of pack.layers is known only when it runs"),
        ("pack.gone", "X", "there is no source of pack.gone"),
        ("pack.wrong", "broken", "cannot be read: invalid syntax"),
        ("pack.circle", "Round", "is imported in a circle"),
        ("nowhere_at_all", "X", "there is no source of nowhere_at_all"),
        ("itertools", "chain", "there is no source of itertools"),
    ],
)
def test_where_the_source_does_not_tell_the_reason_is_given(
    package: Path, module: str, name: str, reason: str
) -> None:
    with pytest.raises(Unreadable, match=reason):
        SourceTree().definition(module, name)


def test_nothing_is_imported(package: Path) -> None:
    before = set(sys.modules)
    SourceTree().definition("pack", "Renamed")
    assert set(sys.modules) == before


def test_every_module_that_was_looked_for_is_known_those_that_are_not_there_too(
    package: Path,
) -> None:
    tree = SourceTree()
    tree.definition("pack.tried", "Plain")
    assert tree.looked_for == {
        "pack.tried": package / "pack" / "tried.py",
        "nowhere_at_all": None,
        "nowhere_at_all.Plain": None,
        "pack.layers": package / "pack" / "layers.py",
    }


@pytest.mark.parametrize(
    "name", ["keras.layers.Dense", "tensorflow.keras.layers.Dense", "keras.src.layers.Dense"]
)
def test_keras_re_exports_are_followed_under_tensorflows_name_too(name: str) -> None:
    module, _, last = name.rpartition(".")
    assert SourceTree().definition(module, last).module.name == "keras.src.layers.core.dense"


def test_reading_keras_source_does_not_import_keras() -> None:
    program = (
        "import sys\nfrom zoo.catalog.source import SourceTree\n"
        "assert SourceTree().definition('keras.layers', 'Dense').node.name == 'Dense'\n"
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules\n"
    )
    python("-c", program)
