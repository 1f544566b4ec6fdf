"""What the plugin's extras bring: imported when it is needed, or named with the extra."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any


def imported(module: str, extra: str, need: str, instead: str = "") -> Any:
    """Import a module, or say which extra has what it needs.

    Args:
        module: The module; one of ours may be what imports the library.
        extra: The extra, such as `"sim"`.
        need: Who needs what, such as `"compiled steps need Numba"`.
        instead: What to do without it.

    Returns:
        The module.

    Raises:
        ImportError: If it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        other = f", or {instead}" if instead else ""
        raise ImportError(f'{need}: pip install "zoo-localization[{extra}]"{other}.') from error


def numba_is_there() -> bool:
    """Return whether models and serial updates can be compiled."""
    try:
        return importlib.util.find_spec("numba") is not None
    except ValueError:
        return False
