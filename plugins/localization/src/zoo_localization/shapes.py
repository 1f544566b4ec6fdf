"""Shape rules of the layers: what comes out of them, worked out without Keras.

A rule is given the arguments of a layer, defaults included, and the shapes of its inputs with the
batch axis first; `None` is a size that differs from batch to batch. It returns the output's shape
and those of the weights. A message says what the layer expects of its inputs, or takes as an
argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo_localization.checks import is_count

Arguments = Mapping[str, Any]
Shape = tuple[int | None, ...]
Shaped = dict[str, Any]

_GAIN = "shape (batch, model_size, nobs)"


def loc_by_1d(arguments: Arguments, shapes: Any) -> Shaped:
    """Give what `Loc_by_1D` makes of a gain and a vector: the gain's shape."""
    obs_dens = _positive(arguments, "obs_dens")
    for name in ("model_size", "nobs"):
        if arguments[name] is not None:
            _positive(arguments, name)
    gain, vector = _pair(shapes, "the gain and the vector")
    size, nobs = _gain_size(gain, "input 1", arguments["model_size"], arguments["nobs"])
    half = size // 2 + 1
    right_rank = len(vector) == 2 or (len(vector) == 3 and vector[2] == 1)
    if not right_rank or vector[1] not in (half, size):
        raise ValueError(f"expects input 2 of shape (batch, {half}) or (batch, {size})")
    _check_geometry(size, nobs, obs_dens, "input 1")
    return _known((gain[0], size, nobs))


def localization_vector(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the vector that `LocalizationVector` holds for a gain."""
    cutoff = arguments["cutoff"]
    if cutoff is not None and not cutoff > 0:
        raise ValueError(f"takes a positive number of grid points as 'cutoff'; received {cutoff!r}")
    gain = _only(shapes)
    nobs = 1 if len(gain) > 2 and gain[2] is None else None
    size, _ = _gain_size(gain, "an input", None, nobs)
    length = size // 2 + 1 if arguments["half"] else size
    return _known((gain[0], length), (length,))


def roll_to_observations(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of a rolled gain: its own."""
    obs_dens = _positive(arguments, "obs_dens")
    gain = _only(shapes)
    size, nobs = _gain_size(gain, "an input")
    _check_geometry(size, nobs, obs_dens, "an input")
    return _known((gain[0], size, nobs))


def periodic_padding_1d(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of a padded sequence."""
    padding = arguments["padding"]
    is_nested = isinstance(padding, list | tuple) and len(padding) == 1
    return _padded(shapes, [_ends(padding[0] if is_nested else padding)], "steps")


def periodic_padding_2d(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of a padded image."""
    padding = arguments["padding"]
    both = padding if isinstance(padding, list | tuple) else (padding, padding)
    if len(both) != 2:
        raise ValueError(f"takes an integer, or two of them, as 'padding'; received {padding!r}")
    return _padded(shapes, [_ends(both[0]), _ends(both[1])], "rows, columns")


def band_conv_2d(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of a convolved image, and the weights of `BandConv2D`."""
    filters, kernel = _positive(arguments, "filters"), _positive(arguments, "kernel_size")
    dilation = _positive(arguments, "dilation")
    _positive(arguments, "offset_dilation")
    if kernel % 2 == 0:
        raise ValueError(f"takes an odd integer as 'kernel_size'; received {kernel!r}")
    image = _only(shapes)
    if len(image) != 4 or None in image[1:]:
        raise ValueError("expects an input of known shape (batch, nobs, width, channels)")
    nobs, width, channels = (int(size or 0) for size in image[1:])
    if kernel // 2 * dilation > nobs:
        reach = kernel // 2 * dilation
        raise ValueError(f"expects an input of at least {reach} observations for its 'dilation'")
    if arguments["residual"] and filters != channels:
        raise ValueError(f"expects an input of as many channels as its 'filters', {filters}")
    weights: list[Shape] = [(kernel, kernel, channels, filters), (filters,)]
    if arguments["offset_scale"]:
        weights += [(width, filters), (width, filters)]
    return _known((image[0], nobs, width, filters), *weights)


def gain_features(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of the image that `GainFeatures` makes of a gain."""
    if not arguments["obs_error_variance"] > 0:
        variance = arguments["obs_error_variance"]
        raise ValueError(f"takes a positive number as 'obs_error_variance'; received {variance!r}")
    cutoffs = arguments["cutoffs"]
    if not all(cutoff > 0 for cutoff in cutoffs):
        raise ValueError(f"takes positive numbers as 'cutoffs'; received {cutoffs!r}")
    gain = _only(shapes)
    size, nobs = _gain_size(gain, "an input")
    if size % nobs:
        raise ValueError("expects an input whose observations divide its states evenly")
    half_width = arguments["half_width"]
    if not 1 <= half_width <= nobs // 2:
        raise ValueError(
            f"expects an input of at least {2 * half_width} observations for its 'half_width'"
        )
    obs_dens = size // nobs
    channels = (3 + len(cutoffs)) * obs_dens + 2
    return _known((gain[0], nobs, 2 * half_width, channels))


def gain_from_band(_arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of the gain that `GainFromBand` puts together, and its blend."""
    features, correction = _pair(shapes, "the features and the correction")
    if len(features) != 4:
        raise ValueError("expects input 1 of shape (batch, nobs, width, channels)")
    if len(correction) != 4 or features[:3] != correction[:3]:
        raise ValueError("expects input 2 of the same observations and offsets as input 1")
    corrected = int(correction[3] or 0)
    obs_dens = int(features[3] or 0) - 2 - corrected
    if obs_dens <= 0 or corrected % obs_dens or corrected <= obs_dens:
        raise ValueError(
            "expects input 1 with (3 + m)*obs_dens + 2 channels and input 2 with (2 + m)*obs_dens"
        )
    batch, nobs, width, _ = features
    if nobs is None or width is None:
        return {}
    return _known((batch, nobs * obs_dens, nobs), (width, corrected - obs_dens))


def scale_blend(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of what `ScaleBlend` makes of two gains: theirs."""
    obs_dens = _positive(arguments, "obs_dens")
    if not 0 < arguments["cutoff"] < float("inf"):
        cutoff = arguments["cutoff"]
        raise ValueError(f"takes a positive number of grid points as 'cutoff'; received {cutoff!r}")
    if not 0 <= arguments["std"] < float("inf"):
        raise ValueError(f"takes 0 or more grid points as 'std'; received {arguments['std']!r}")
    long, raw = _pair(shapes, "the gain of the long waves and the raw one")
    size, nobs = _gain_size(long, "input 1")
    if _gain_size(raw, "input 2") != (size, nobs):
        raise ValueError("expects input 2 of as many states and observations as input 1")
    _check_geometry(size, nobs, obs_dens, "input 1")
    return _known((long[0], size, nobs))


def state_band(arguments: Arguments, shapes: Any) -> Shaped:
    """Give the shape of the image that `StateBand` makes of a state."""
    nobs, half_width = _positive(arguments, "nobs"), _positive(arguments, "half_width")
    if half_width > nobs // 2:
        raise ValueError(
            f"takes at most nobs//2 = {nobs // 2} as 'half_width'; received {half_width!r}"
        )
    state = _only(shapes)
    size = state[1] if len(state) == 2 else None
    if size is None or size % nobs:
        raise ValueError(f"expects an input of shape (batch, {nobs}*obs_dens)")
    return _known((state[0], nobs, 2 * half_width, 2 * (size // nobs)))


def _known(output: Shape, *weights: Shape) -> Shaped:
    return {"output": output, "weights": list(weights)}


def _only(shapes: Any) -> Shape:
    if not isinstance(shapes, tuple):
        raise ValueError("expects one input, not several")
    return shapes


def _pair(shapes: Any, what: str) -> tuple[Shape, Shape]:
    if not isinstance(shapes, list) or len(shapes) != 2:
        raise ValueError(f"expects a list of two inputs, {what}")
    return shapes[0], shapes[1]


def _gain_size(
    gain: Shape, which: str, model_size: int | None = None, nobs: int | None = None
) -> tuple[int, int]:
    """Return `(model_size, nobs)` of a gain, as `gain_shapes.gain_size` does."""
    if len(gain) not in (3, 4) or (len(gain) == 4 and gain[3] != 1):
        raise ValueError(f"expects {which} of {_GAIN}")
    sizes = []
    for name, found, given in (("model_size", gain[1], model_size), ("nobs", gain[2], nobs)):
        if found is None and given is None:
            raise ValueError(f"expects {which} of {_GAIN} with a known {name}")
        if found is not None and given is not None and found != given:
            raise ValueError(f"expects {which} with the {name} that '{name}' says, {given}")
        sizes.append(int(found if found is not None else given or 0))
    return sizes[0], sizes[1]


def _check_geometry(size: int, nobs: int, obs_dens: int, which: str) -> None:
    if obs_dens * nobs > size:
        raise ValueError(
            f"expects {which} of at least {obs_dens * nobs} states for its 'obs_dens' and {nobs} "
            f"observations"
        )


def _padded(shapes: Any, ends: list[tuple[int, int]], axes: str) -> Shaped:
    shape = _only(shapes)
    if len(shape) != len(ends) + 2:
        raise ValueError(f"expects an input of shape (batch, {axes}, channels)")
    sizes = zip(shape[1:-1], ends, strict=True)
    padded = [None if size is None else size + before + after for size, (before, after) in sizes]
    return _known((shape[0], *padded, shape[-1]))


def _ends(value: Any) -> tuple[int, int]:
    ends = value if isinstance(value, list | tuple) else (value, value)
    if len(ends) != 2 or not all(is_count(end, 0) for end in ends):
        raise ValueError(
            f"takes integers that are not negative, one or a pair for an axis, as 'padding'; "
            f"received {value!r}"
        )
    return ends[0], ends[1]


def _positive(arguments: Arguments, name: str) -> int:
    value = arguments[name]
    if not is_count(value, 1):
        raise ValueError(f"takes a positive integer as '{name}'; received {value!r}")
    return int(value)
