"""Checks of numbers that many arguments share; the standard library is enough for them."""

from __future__ import annotations

import math
from numbers import Real
from typing import TypeGuard


def is_count(value: object, least: int) -> TypeGuard[int]:
    """Return whether a value is an integer of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def check_count(name: str, value: object, least: int) -> None:
    """Check that an argument is an integer of at least `least`.

    Raises:
        ValueError: If it is not.
    """
    if not is_count(value, least):
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")


def check_positive_integers(**arguments: object) -> None:
    """Check that arguments, by their names, are integers from 1 on.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not is_count(value, 1):
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")


def check_positive_numbers(**arguments: object) -> None:
    """Check that arguments, by their names, are finite numbers above 0.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not (is_number(value) and value > 0):
            raise ValueError(f"{name} must be a positive finite number, got {value!r}.")


def check_finite_numbers(**arguments: object) -> None:
    """Check that arguments, by their names, are finite numbers.

    Raises:
        ValueError: If one is not.
    """
    for name, value in arguments.items():
        if not is_number(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}.")
