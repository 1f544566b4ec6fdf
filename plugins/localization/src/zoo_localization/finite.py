"""Where an array is not finite, in words."""

from __future__ import annotations

from typing import Any

import numpy as np


def not_finite(values: Any) -> str:
    """Say how many values are not finite, and where the first of them is.

    Args:
        values: Numbers, of any shape.

    Returns:
        Such as `"0 values not finite"`, or `"3 values not finite, the first at index (1, 2)"`.
    """
    places = np.argwhere(~np.isfinite(values))
    first = tuple(int(i) for i in places[0]) if len(places) else ()
    where = f", the first at index {first}" if first else ""
    return f"{len(places)} values not finite{where}"
