"""A plugin's shape rule, imported without letting it import Keras."""

import contextlib
import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from zoo.catalog.guarding import guarded
from zoo.components import Component
from zoo.shapes.forms import Rule

_HEAVY = ("keras", "tensorflow", "jax", "torch")


def load_rule(row: Component) -> Rule:
    """Imports the function that an entry point names.

    Raises:
        ImportError: If its module imports Keras, or fails in any other way.
    """
    module, _, name = row.target.partition(":")
    try:
        with guarded(), _without_keras(module):
            rule = importlib.import_module(module)
            for part in name.split("."):
                rule = getattr(rule, part)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() at import is not an Exception
        raise ImportError(f"importing {row.target} raised {error!r}") from error
    if not callable(rule):
        raise ImportError(f"{row.target} is not a function")
    return rule


class _Refusal(MetaPathFinder):
    """Refuses to find what takes seconds to import, in one thread.

    Attributes:
        refused: Whether it had to.
    """

    def __init__(self) -> None:
        self.refused = False
        self._thread = threading.get_ident()

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  # Python's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Raises for a heavy module, and leaves every other to those who come after."""
        if name.partition(".")[0] in _HEAVY and threading.get_ident() == self._thread:
            self.refused = True
            raise ImportError(f"a shape rule may not import {name}")
        return None


@contextlib.contextmanager
def _without_keras(module: str) -> Iterator[None]:
    refusal = _Refusal()
    before = set(sys.modules)
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)
        if refusal.refused:
            _forget(module.partition(".")[0], before)


def _forget(package: str, before: set[str]) -> None:
    # What made do without Keras is imported anew, and with it, when it is needed in earnest.
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == package:
            del sys.modules[name]
