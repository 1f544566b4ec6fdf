"""Where an array is not finite, in words."""

from __future__ import annotations

from typing import Any

import numpy as np


def first_place(is_there: Any) -> tuple[int, ...]:
    """Return the first index at which something is the case; `()` where it is nowhere."""
    places = np.argwhere(is_there)
    return tuple(int(i) for i in places[0]) if len(places) else ()


def not_finite(values: Any) -> str:
    """Say how many values are not finite, and where the first of them is.

    Args:
        values: Numbers, of any shape.

    Returns:
        Such as `"0 values not finite"`, or `"3 values not finite, the first at index (1, 2)"`.
    """
    is_bad = ~np.isfinite(values)
    first = first_place(is_bad)
    where = f", the first at index {first}" if first else ""
    return f"{int(is_bad.sum())} values not finite{where}"
