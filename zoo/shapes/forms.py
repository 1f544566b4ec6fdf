"""What shape rules are given, what they return, and the words for it.

A rule is a plain function `(arguments, shapes)`. `arguments` are those of a config, with the
defaults of the signature; `shapes` is the shape of the only input, a list or a table of shapes,
just as a node's `inputs` has it. Keras's own rules are given None where it is not known, to look
at the arguments alone. The first axis is the batch; it is None, and so is any axis whose
size differs from batch to batch. A rule returns the shape of the output (a list of them where a
layer returns several tensors), or a table of it and the shapes of the weights,
`{"output": shape, "weights": [shape, ...]}`; or None where it cannot tell.

What it refuses, it says with a `ValueError` whose message goes on after the node's name: "expects
input 2 of shape (batch, 21)" where the inputs do not fit, "takes a positive integer as 'units';
received 0" where an argument cannot be right whatever the inputs are.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Shape = tuple[int | None, ...]
Weights = tuple[tuple[int, ...], ...]
Arguments = Mapping[str, Any]
Rule = Callable[[Arguments, Any], Any]

LARGEST_AXIS = 2**63 - 1
"""The largest size that a tensor's axis can have."""

_MOST_AXES = 8


class Unknown(Exception):
    """A rule cannot tell."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """What is known of one call of a layer.

    Attributes:
        output: The shape of what it returns; a list of shapes where it returns several tensors;
            None where that is not known.
        weights: The shapes of its layer's weights; None where they are not known.
    """

    output: Shape | list[Shape] | None = None
    weights: Weights | None = None

    @property
    def parameters(self) -> int | None:
        """How many numbers the weights hold; None where they are not known."""
        return None if self.weights is None else sum(math.prod(shape) for shape in self.weights)

    @property
    def outputs(self) -> list[Shape]:
        """The shapes of all tensors that it returns; none where they are not known."""
        if self.output is None:
            return []
        return self.output if isinstance(self.output, list) else [self.output]


class Nested(dict[str, Any]):
    """A component among the arguments: its table, with `type` as a config has it.

    Args:
        table: Its type and its arguments.
        target: Where it is, as `module:object`.
        rule: Gives what is known of a call of it with such shapes.
    """

    def __init__(
        self, table: Mapping[str, Any], target: str, rule: Callable[[Any], Shaped]
    ) -> None:
        super().__init__(table)
        self.target = target
        self.shaped = rule


def known(output: Any, *weights: Any) -> dict[str, Any]:
    """Makes what a rule returns of an output's shape and those of the weights."""
    return {"output": output, "weights": list(weights)}


def shaped(value: Any) -> Shaped:
    """Reads what a rule returned; whatever makes no sense is not known."""
    output, weights = value, None
    if isinstance(value, Mapping):
        output, weights = value.get("output"), value.get("weights")
    return Shaped(_output(output), _weights(weights))


def _output(value: Any) -> Shape | list[Shape] | None:
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        shapes = [_shape(item) for item in value]
        return None if None in shapes else [shape for shape in shapes if shape is not None]
    return _shape(value) or None  # every tensor has a batch axis


def _weights(value: Any) -> Weights | None:
    if not isinstance(value, list | tuple):
        return None
    shapes = [_shape(item) for item in value]
    return None if any(s is None or None in s for s in shapes) else tuple(shapes)  # type: ignore[arg-type]


def _shape(value: Any) -> Shape | None:
    if not isinstance(value, list | tuple):
        return None
    try:
        sizes = tuple(None if size is None else operator.index(size) for size in value)
    except TypeError:
        return None
    return sizes if all(size is None or size >= 0 for size in sizes) else None


def words(shape: Shape) -> str:
    """Words a shape: `(batch, 40, any)`."""
    sizes = ["batch", *("any" if size is None else str(size) for size in shape[1:])]
    if len(sizes) > _MOST_AXES:
        sizes = [*sizes[: _MOST_AXES - 2], "...", sizes[-1]]
    return f"({', '.join(sizes)})"
