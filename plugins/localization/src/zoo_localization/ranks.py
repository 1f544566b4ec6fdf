"""The rank of a truth among the members of its ensemble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def truth_ranks(
    ensemble: FloatArray, truth: FloatArray, generators: Sequence[np.random.Generator]
) -> IntArray:
    """Return how many members lie below the truth; of those that equal it, a random number.

    If the truth is one more draw of what the members are draws of, all ranks are equally frequent.

    Args:
        ensemble: Members, `(filters, members, model_size)`.
        truth: Shape `(filters, model_size)`.
        generators: One a filter; those without ties are left alone.

    Returns:
        Ranks from 0 to `members`, `(filters, model_size)`.

    Source:
        Hamill (2001), doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2. No noise is added to
        the members, as it is where they are ranked about an observation: the truth has none.
    """
    ranks = (ensemble < truth[:, None, :]).sum(axis=-2)
    ties = (ensemble == truth[:, None, :]).sum(axis=-2)
    for row in np.flatnonzero(ties.any(axis=-1)):
        ranks[row] += generators[int(row)].integers(0, ties[row] + 1)
    return np.asarray(ranks, np.int64)
