"""Reading the shape of a gain, with errors that say what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo_localization.checks import check_positive_integers

Shape = Sequence[int | None]


def gain_size(
    layer: str, shape: Shape, model_size: int | None = None, nobs: int | None = None
) -> tuple[int, int]:
    """Return `(model_size, nobs)` of a gain, from its shape and what the user said about it.

    Args:
        layer: The layer's class name, for the message.
        shape: `(batch, model_size, nobs)` or `(batch, model_size, nobs, 1)`.
        model_size: What the user expects, or `None`.
        nobs: What the user expects, or `None`.

    Returns:
        Both sizes as integers.

    Raises:
        ValueError: If the rank is wrong, a size is unknown, or a size is not the expected one.
    """
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 1):
        raise ValueError(
            f"{layer} needs a gain of shape (batch, model_size, nobs) or (batch, model_size, nobs, "
            f"1), got {tuple(shape)}. Reshape it so that states come first."
        )
    sizes = []
    for name, found, expected in (("model_size", shape[1], model_size), ("nobs", shape[2], nobs)):
        if found is not None and expected is not None and found != expected:
            raise ValueError(
                f"{layer} was given {name}={expected}, but the gain's shape {tuple(shape)} has "
                f"{found}. Leave {name} out (it follows from the gain), or correct the shape."
            )
        size = expected if found is None else found
        if size is None:
            raise ValueError(
                f"{layer} cannot tell {name} from the gain's shape {tuple(shape)}. Give the input "
                f"a fixed shape, or the layer the argument {name}."
            )
        sizes.append(int(size))
    return sizes[0], sizes[1]


def check_sizes(model_size: int | None, nobs: int | None) -> None:
    """Check what the user said about the sizes of a gain, where that is anything.

    Raises:
        ValueError: If it is no positive integer.
    """
    said = {"model_size": model_size, "nobs": nobs}
    check_positive_integers(**{name: size for name, size in said.items() if size is not None})


def without_last_axis(tensor: Any, rank: int) -> Any:
    """Drop a last axis of size 1 if `tensor` has one more axis than `rank`; never any other."""
    return tensor[..., 0] if len(tensor.shape) == rank + 1 else tensor


def vector_length(owner: str, shape: Shape, model_size: int) -> int:
    """Return the length of a localization vector: N for a full one, N//2+1 for a mirrored half.

    Args:
        owner: Class name of the layer or loss, for the message.
        shape: `(batch, length)` or `(batch, length, 1)`.
        model_size: Number of states, N.

    Returns:
        The length.

    Raises:
        ValueError: If the rank is wrong, or the length is neither of the two.
    """
    half = model_size // 2 + 1
    right_rank = len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
    if not right_rank or shape[1] not in (half, model_size):
        raise ValueError(
            f"{owner} needs loc_f of shape (batch, {half}), mirrored around the ring, or (batch, "
            f"{model_size}), one value per state, for model_size={model_size}; got {tuple(shape)}. "
            f"Give the layer that makes loc_f {half} or {model_size} units."
        )
    return int(shape[1])
