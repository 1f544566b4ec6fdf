"""What shape rules refuse: arguments that make no sense, and inputs that do not fit them."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.resolve.shapes import Inferred

Rule = Callable[..., Inferred]
FIRST = "channels_first"


@pytest.mark.parametrize(
    ("layer", "arguments", "shapes", "takes"),
    [
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 3, "groups": 3},
            [[5, 3]],
            "'groups' that divide its 4 filters; received 3",
        ),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2},
            [[9, 1]],
            "'dilation_rate' or strides greater than 1, not both",
        ),
        (
            "Conv2D",
            {"filters": 4, "kernel_size": 3, "padding": "causal"},
            [[9, 9, 1]],
            "valid or same as 'padding'; received \"causal\"",
        ),
        (
            "Conv2D",
            {"filters": 4, "kernel_size": [3]},
            [[9, 9, 1]],
            "an integer from 1 on, or 2 of them, as 'kernel_size'; received [3]",
        ),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 0},
            [[9, 1]],
            "an integer from 1 on as 'kernel_size'; received 0",
        ),
        (
            "Conv1DTranspose",
            {"filters": 4, "kernel_size": 3, "output_padding": 1},
            [[9, 1]],
            "less than its strides as 'output_padding'; received 1",
        ),
        (
            "MaxPooling1D",
            {"padding": "causal"},
            [[5, 2]],
            "valid or same as 'padding'; received \"causal\"",
        ),
        (
            "MaxPooling2D",
            {"data_format": "first"},
            [[5, 2, 1]],
            "channels_last or channels_first as 'data_format'; received \"first\"",
        ),
        (
            "Reshape",
            {"target_shape": [-1, -1]},
            [[6]],
            "a list of integers, of which one may be -1, as 'target_shape'; received [-1, -1]",
        ),
        (
            "Permute",
            {"dims": [1, 3]},
            [[5, 4]],
            "each axis once, counted from 1, as 'dims'; received [1, 3]",
        ),
        (
            "Permute",
            {"dims": [1, "first"]},
            [[5, 4]],
            "each axis once, counted from 1, as 'dims'; received [1, \"first\"]",
        ),
        (
            "ZeroPadding2D",
            {"padding": [1, 1, 1]},
            [[4, 4, 1]],
            "an integer, or 2 of them, as 'padding'; received [1, 1, 1]",
        ),
        ("Dense", {"units": 0}, [[4]], "a positive integer as 'units'; received 0"),
        ("Dropout", {"rate": 1.5}, [[4]], "a number from 0 to 1 as 'rate'; received 1.5"),
        (
            "LeakyReLU",
            {"negative_slope": -1},
            [[4]],
            "a number of at least 0 as 'negative_slope'; received -1",
        ),
        (
            "Dropout",
            {"rate": 0.5, "noise_shape": [0]},
            [[4]],
            "a list of positive integers as 'noise_shape'; received [0]",
        ),
        (
            "Normalization",
            {"mean": [1.0], "variance": 1.0},
            [[4]],
            "a 'mean' and a 'variance' of one length",
        ),
        ("Normalization", {"mean": 1.0}, [[4]], "'mean' and 'variance' together, or neither"),
        ("Dot", {"axes": 0}, [[4], [4]], "axes from 1 on as 'axes'; received 0"),
        ("Dot", {"axes": [1]}, [[4], [4]], "an axis, or two of them, as 'axes'; received [1]"),
        (
            "Attention",
            {"score_mode": "sum"},
            [[5, 4], [5, 4]],
            "dot or concat as 'score_mode'; received \"sum\"",
        ),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3, "dropout": 2},
            [[5, 4], [5, 4]],
            "a number from 0 to 1 as 'dropout'; received 2",
        ),
        (
            "Bidirectional",
            {"layer": None, "merge_mode": "max"},
            [[5, 4]],
            "one of sum, mul, ave, concat as 'merge_mode'; received \"max\"",
        ),
        (
            "LSTM",
            {"units": 2, "stateful": True},
            [[5, 4]],
            "no 'stateful' here: the size of the batch is not fixed",
        ),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_with_what_the_layer_takes(
    rule: Rule, layer: str, arguments: dict[str, Any], shapes: list[list[Any]], takes: str
) -> None:
    (finding,) = rule(layer, arguments, *shapes).findings
    assert finding.code == "bad-value"
    assert finding.message == f'"{layer}" (zoo) takes {takes}'


@pytest.mark.parametrize(
    ("layer", "arguments", "shapes", "expects"),
    [
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 3},
            [[2, 1]],
            "an input of at least 3 along axis 1 for its 'kernel_size'",
        ),
        (
            "Conv2D",
            {"filters": 4, "kernel_size": 3, "data_format": FIRST},
            [[1, 5, 2]],
            "an input of at least 3 along axis 3 for its 'kernel_size'",
        ),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 3},
            [[5]],
            "an input of shape (batch, steps, channels)",
        ),
        (
            "Conv2D",
            {"filters": 4, "kernel_size": 3, "data_format": FIRST},
            [[5]],
            "an input of shape (batch, channels, rows, columns)",
        ),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 3},
            [[5, None]],
            "an input with a known number of channels",
        ),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": 3, "groups": 2},
            [[5, 3]],
            "an input whose channels its 'groups' divide, here 2",
        ),
        (
            "MaxPooling2D",
            {"pool_size": 3},
            [[5, 2, 1]],
            "an input of at least 3 along axis 2 for its 'pool_size'",
        ),
        ("Reshape", {"target_shape": [5]}, [[6]], "an input of 5 values for its 'target_shape'"),
        (
            "Reshape",
            {"target_shape": [4, -1]},
            [[6]],
            "an input of a multiple of 4 values for its 'target_shape'",
        ),
        (
            "Permute",
            {"dims": [2, 1]},
            [[5]],
            "an input of shape with the 3 axes of its 'dims' and a batch",
        ),
        (
            "Cropping1D",
            {"cropping": 2},
            [[4, 1]],
            "an input of more than 4 along each axis that it crops by 'cropping'",
        ),
        ("Dense", {"units": 1}, [[None]], "an input whose last axis has a known size"),
        ("Dense", {"units": 1}, [[4], [4]], "one input, not a list of inputs"),
        ("PReLU", {}, [[None, 4]], "an input whose axis 1 has a known size"),
        ("BatchNormalization", {"axis": 3}, [[5, 4]], "an input that has the axis 3 of 'axis'"),
        (
            "GroupNormalization",
            {"groups": 3},
            [[5, 4]],
            "an input whose channels its 'groups' divide, here 3",
        ),
        (
            "Normalization",
            {"mean": [0.5, 0.5], "variance": [1.0, 1.0]},
            [[5, 4]],
            "an input with as many features as its 'mean', 2",
        ),
        ("Add", {}, [[4]], "a list of inputs"),
        ("Subtract", {}, [[4], [4], [4]], "a list of 2 inputs"),
        ("Dot", {"axes": 1}, [[4], [4], [4]], "a list of 2 inputs"),
        ("Dot", {"axes": 2}, [[4], [4]], "an input that has the axis 2 of 'axes'"),
        ("Attention", {}, [[5, 4]] * 4, "a list of 2 to 3 inputs"),
        ("Add", {}, [[4], [3]], "inputs of one shape, apart from axes of size 1"),
        ("Concatenate", {}, [[4], [3, 3]], "inputs with equally many axes"),
        (
            "Concatenate",
            {"axis": 2},
            [[4, 1], [3, 1]],
            "inputs that differ along its 'axis' 2 alone",
        ),
        ("Concatenate", {"axis": 2}, [[4], [3]], "an input that has the axis 2 of 'axis'"),
        (
            "Dot",
            {"axes": 1},
            [[4], [3]],
            "inputs of one size along its 'axes', 1 of the first and 1 of the second",
        ),
        (
            "Dot",
            {"axes": [2, 1]},
            [[5, 4], [3, 4]],
            "inputs of one size along its 'axes', 2 of the first and 1 of the second",
        ),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3},
            [[5, 4], [5, 4], [6, 4]],
            "input 'key' and input 'value' of equally many steps",
        ),
        ("LSTM", {"units": 2}, [[4]], "an input of shape (batch, steps, features)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_what_the_layer_expects(
    rule: Rule, layer: str, arguments: dict[str, Any], shapes: list[list[Any]], expects: str
) -> None:
    (finding,) = rule(layer, arguments, *shapes).findings
    assert finding.code == "shape-mismatch"
    assert finding.message.startswith(f"it expects {expects}, ")
    assert finding.message.endswith(f" gives (batch, {_sizes(shapes[-1])})")


def _sizes(shape: list[Any]) -> str:
    return ", ".join("any" if size is None else str(size) for size in shape)
