"""Which plugin an error in the midst of a training comes from."""

import traceback
from collections.abc import Iterable
from pathlib import Path

from zoo.catalog.discovery import CORE
from zoo.catalog.modules import module_file, package_folder
from zoo.resolve import Part


def line_of_a_plugin(error: BaseException, parts: Iterable[Part]) -> str:
    """Says which line of which plugin an error was raised in, or by a call from.

    Args:
        error: The error, with its traceback.
        parts: The components that were at work.

    Returns:
        Such as `losses.py:14 of my-losses 0.1.0`; empty where no plugin had a part in it.
    """
    homes = {}
    for part in parts:
        if part.component.distribution != CORE:
            top = part.component.target.partition(":")[0].partition(".")[0]
            homes[package_folder(top) or module_file(top)] = part.component
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        for home, component in homes.items():
            if home is not None and Path(frame.filename).is_relative_to(home):
                place = f"{Path(frame.filename).name}:{frame.lineno}"
                return f"{place} of {component.distribution} {component.version}"
    return ""
