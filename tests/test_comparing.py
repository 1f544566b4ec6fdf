"""What two sides of a comparison have in common, without Keras."""

from collections.abc import Callable

import numpy as np
import pytest

from zoo.comparing import Side
from zoo.registry.tensors import Tensors

KERNEL = np.arange(4, dtype="float32")
Weights = Callable[[], Tensors]


def _side(fingerprint: str | None = None, weights: Weights | None = None) -> Side:
    return Side("a", "run", {}, fingerprint=fingerprint, weights=weights)


def _never() -> Tensors:
    pytest.fail("weights of another graph are not read")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "a", True), ("a", "b", False), (None, "a", None), ("a", None, None), (None, None, None)],
)
def test_two_graphs_are_the_same_another_or_not_known(
    one: str | None, other: str | None, same: bool | None
) -> None:
    assert _side(one).same_graph(_side(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"k": KERNEL}, {"k": KERNEL.copy()}, True),
        ({"k": KERNEL}, {"k": KERNEL + 1}, False),
        ({"k": KERNEL}, {"k": KERNEL.reshape(2, 2)}, False),
        ({"k": KERNEL}, {"k": KERNEL.view("int32")}, False),
        ({"k": KERNEL}, {"b": KERNEL}, False),
        ({"k": KERNEL, "b": KERNEL}, {"k": KERNEL, "b": -KERNEL}, False),
        ({"k": np.float32("nan") * KERNEL}, {"k": np.float32("nan") * KERNEL}, True),
    ],
    ids=["equal", "other values", "other shape", "other type", "other path", "one of two", "NaN"],
)
def test_weights_are_the_same_bit_for_bit_or_they_are_not(
    one: Tensors, other: Tensors, same: bool
) -> None:
    assert _side(None, lambda: one).same_weights(_side(None, lambda: other)) is same


def test_where_there_are_no_weights_nothing_is_known_of_them() -> None:
    there = _side("a", _never)
    assert there.same_weights(_side("a")) is None
    assert _side("a").same_weights(there) is None


def test_weights_of_another_graph_are_others_and_not_read() -> None:
    assert _side("a", _never).same_weights(_side("b", _never)) is False
