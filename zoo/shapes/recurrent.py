"""Rules for Keras's recurrent layers and the wrappers around them."""

from functools import partial
from typing import Any

from zoo.shapes.core import bias
from zoo.shapes.forms import Arguments, Nested, Rule, Shape, Unknown, known
from zoo.shapes.reading import features, not_taken, one, positive

_MERGES = ("sum", "mul", "ave", "concat", None)


def _recurrent(gates: int, states: int, arguments: Arguments, shapes: Any) -> Any:
    units = positive(arguments, "units")
    if arguments["stateful"]:
        raise ValueError("takes no 'stateful' here: the size of the batch is not fixed")
    shape = _sequence(shapes)
    width = gates * units
    offsets: list[Shape] = bias(arguments, width)
    if offsets and arguments.get("reset_after"):
        offsets = [(2, width)]
    output: Any = (shape[0], units)
    if arguments["return_sequences"]:
        output = (shape[0], shape[1], units)
    if arguments["return_state"]:
        output = [output, *[(shape[0], units)] * states]
    return known(output, (features(shape), width), (units, width), *offsets)


def _sequence(shapes: Any) -> Shape:
    if isinstance(shapes, dict):  # the sequences, and the states to start from
        shapes = shapes.get("sequences")
    return one(shapes, 3, "(batch, steps, features)")


def _bidirectional(arguments: Arguments, shapes: Any) -> Any:
    mode = arguments["merge_mode"]
    if mode not in _MERGES:
        listed = ", ".join(str(m) for m in _MERGES[:-1])
        raise not_taken(f"one of {listed}", "merge_mode", mode)
    forward, backward = arguments["layer"], arguments["backward_layer"]
    if arguments.get("weights") is not None or not isinstance(forward, Nested):
        raise Unknown
    if forward.target not in _RECURRENT_TARGETS:
        raise Unknown
    found = forward.shaped(shapes)
    other = backward.shaped(shapes) if isinstance(backward, Nested) else found
    if found.weights is None or other.weights is None or not found.outputs:
        raise Unknown
    first, *states = found.outputs
    merged = first
    if mode == "concat" and first[-1] is not None:
        merged = (*first[:-1], 2 * first[-1])
    outputs = [first, first] if mode is None else [merged]
    outputs += [*states, *states]
    return known(outputs if len(outputs) > 1 else merged, *found.weights, *other.weights)


def _time_distributed(arguments: Arguments, shapes: Any) -> Any:
    inner = arguments["layer"]
    if not isinstance(inner, Nested):
        raise Unknown
    shape = one(shapes, least=3)
    if inner.target in _RECURRENT_TARGETS and len(shape) != 4:
        raise Unknown  # Keras looks at the number of axes only when it runs
    found = inner.shaped((shape[0], *shape[2:]))
    if not isinstance(found.output, tuple) or found.weights is None:
        raise Unknown
    return known((shape[0], shape[1], *found.output[1:]), *found.weights)


_RECURRENT: dict[str, Rule] = {
    "LSTM": partial(_recurrent, 4, 2),
    "GRU": partial(_recurrent, 3, 1),
    "SimpleRNN": partial(_recurrent, 1, 1),
}
_RECURRENT_TARGETS = {f"keras.layers:{name}" for name in _RECURRENT}

RECURRENT: dict[str, Rule] = {
    **_RECURRENT,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}
"""The rule of each layer by its name."""
