"""Shape rules without Keras: sizes and numbers of parameters that are worked out by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.resolve.shapes import Inferred

Rule = Callable[..., Inferred]
FIRST = "channels_first"


@pytest.mark.parametrize(
    ("layer", "arguments", "shape"),
    [
        ("AdaptiveMaxPooling2D", {"output_size": 2}, [8, 2]),
        ("Conv1D", {"filters": 1, "kernel_size": 3, "padding": ["same"]}, [8, 2]),
        ("Embedding", {"input_dim": 7, "output_dim": 2, "weights": [1.0]}, [8]),
    ],
    ids=["axes that Keras counts when it runs", "an odd padding", "weights that are given"],
)
def test_what_the_arguments_alone_do_not_tell_is_not_known(
    rule: Rule, layer: str, arguments: dict[str, Any], shape: list[Any]
) -> None:
    found = rule(layer, arguments, shape)
    assert found.findings == []
    assert found.nodes["it"].output is None
    assert found.parameters["it"] is None


@pytest.mark.parametrize(
    ("layer", "arguments", "shapes", "output", "parameters"),
    [
        ("Conv1D", {"filters": 4, "kernel_size": [3]}, [[9, 2]], (7, 4), 28),
        ("Conv2D", {"filters": 4, "kernel_size": [3, 2]}, [[9, 8, 2]], (7, 7, 4), 52),
        (
            "Conv2D",
            {"filters": 4, "kernel_size": 3, "data_format": FIRST, "groups": 2},
            [[2, 9, 8]],
            (4, 7, 6),
            40,
        ),
        ("Conv1D", {"filters": 1, "kernel_size": 3, "dilation_rate": 2}, [[9, 1]], (5, 1), 4),
        (
            "Conv1D",
            {"filters": 1, "kernel_size": 3, "strides": 2, "padding": "same"},
            [[9, 1]],
            (5, 1),
            4,
        ),
        ("Conv1D", {"filters": 1, "kernel_size": 3}, [[None, 1]], (None, 1), 4),
        (
            "DepthwiseConv2D",
            {"kernel_size": 3, "depth_multiplier": 2, "data_format": FIRST},
            [[5, 9, 8]],
            (10, 7, 6),
            100,
        ),
        (
            "SeparableConv1D",
            {"filters": 4, "kernel_size": 3, "depth_multiplier": 2},
            [[9, 5]],
            (7, 4),
            74,
        ),
        (
            "Conv2DTranspose",
            {"filters": 4, "kernel_size": 3, "strides": [2, 3], "data_format": FIRST},
            [[2, 5, 4]],
            (4, 11, 12),
            76,
        ),
        (
            "Conv1DTranspose",
            {"filters": 1, "kernel_size": 3, "strides": 2, "output_padding": 1},
            [[5, 1]],
            (12, 1),
            4,
        ),
        ("MaxPooling2D", {"pool_size": [2, 3]}, [[9, 8, 2]], (4, 2, 2), 0),
        ("MaxPooling1D", {"pool_size": 4, "padding": "same"}, [[9, 2]], (3, 2), 0),
        ("AveragePooling1D", {"pool_size": 2, "strides": 1}, [[9, 2]], (8, 2), 0),
        ("MaxPooling2D", {"data_format": FIRST}, [[2, 9, 8]], (2, 4, 4), 0),
        ("GlobalAveragePooling2D", {"keepdims": True}, [[9, 8, 2]], (1, 1, 2), 0),
        (
            "GlobalMaxPooling2D",
            {"keepdims": True, "data_format": FIRST},
            [[2, 9, 8]],
            (2, 1, 1),
            0,
        ),
        ("AdaptiveMaxPooling2D", {"output_size": [3, 2]}, [[9, 8, 2]], (3, 2, 2), 0),
        ("UpSampling2D", {"size": [2, 3]}, [[5, 4, 1]], (10, 12, 1), 0),
        ("UpSampling1D", {"size": 3}, [[5, 1]], (15, 1), 0),
        ("ZeroPadding1D", {"padding": [1, 2]}, [[5, 1]], (8, 1), 0),
        ("ZeroPadding2D", {"padding": [[0, 1], [2, 2]]}, [[5, 4, 1]], (6, 8, 1), 0),
        ("Cropping2D", {"cropping": 1, "data_format": FIRST}, [[1, 5, 4]], (1, 3, 2), 0),
        ("Cropping1D", {"cropping": [1, 2]}, [[None, 1]], (None, 1), 0),
        ("Reshape", {"target_shape": [-1, 3]}, [[4, 6]], (8, 3), 0),
        ("Reshape", {"target_shape": [2, -1]}, [[None, 6]], (2, None), 0),
        ("Permute", {"dims": [2, 1]}, [[4, 6]], (6, 4), 0),
        ("RepeatVector", {"n": 3}, [[4]], (3, 4), 0),
        ("Flatten", {}, [[None, 6]], (None,), 0),
        ("Embedding", {"input_dim": 7, "output_dim": 2}, [[5]], (5, 2), 14),
        ("Dense", {"units": 4, "lora_rank": 2}, [[3]], (4,), 16 + 6 + 8),
        ("PReLU", {"shared_axes": [1]}, [[5, 4]], (5, 4), 4),
        ("BatchNormalization", {"axis": 1, "scale": False}, [[5, 4]], (5, 4), 15),
        ("LayerNormalization", {"axis": [1, 2], "center": False}, [[5, 4]], (5, 4), 20),
        ("GroupNormalization", {"groups": 2}, [[5, 4]], (5, 4), 8),
        ("RMSNormalization", {}, [[5, 4]], (5, 4), 4),
        ("Normalization", {}, [[5, 4]], (5, 4), 9),
        ("Normalization", {"mean": [0.5] * 4, "variance": [1.0] * 4}, [[5, 4]], (5, 4), 0),
        ("UnitNormalization", {}, [[5, 4]], (5, 4), 0),
        ("Add", {}, [[5, 1], [4]], (5, 4), 0),
        ("Multiply", {}, [[5, 4], [1, 4], [5, 1]], (5, 4), 0),
        ("Maximum", {}, [[None, 4], [5, 4]], (None, 4), 0),
        ("Concatenate", {"axis": 1}, [[5, 4], [3, 4]], (8, 4), 0),
        ("Concatenate", {"axis": 1}, [[5, 4], [None, 4]], (None, 4), 0),
        ("Concatenate", {"axis": 1}, [[5, None], [3, 4]], (8, None), 0),
        ("Dropout", {"rate": 0.5}, [[5, 4]], (5, 4), 0),
        ("SpatialDropout1D", {"rate": 0.5}, [[5, 4]], (5, 4), 0),
        ("LeakyReLU", {}, [[5, None]], (5, None), 0),
        ("Activation", {"activation": "relu"}, [[5, 4]], (5, 4), 0),
        ("Dot", {"axes": [2, 1]}, [[5, 4], [4, 3]], (5, 3), 0),
        ("Dot", {"axes": 1}, [[4], [4]], (1,), 0),
        ("Attention", {"use_scale": True}, [[5, 4], [3, 2]], (5, 2), 1),
        ("Attention", {"score_mode": "concat"}, [[5, 4], [3, 2]], (5, 2), 1),
        ("AdditiveAttention", {}, [[5, 4], [3, 4]], (5, 4), 4),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3},
            [[5, 4], [6, 7]],
            (5, 4),
            # Queries, keys and values are projected and offset; so is what comes out.
            (4 * 6 + 6) + 2 * (7 * 6 + 6) + (6 * 4 + 4),
        ),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3, "value_dim": 1, "output_shape": 9, "use_bias": False},
            [[5, 4], [6, 7]],
            (5, 9),
            4 * 6 + 7 * 6 + 7 * 2 + 2 * 9,
        ),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3, "output_shape": [2, 5]},
            [[5, 4], [6, 7]],
            (5, 2, 5),
            (4 * 6 + 6) + 2 * (7 * 6 + 6) + (6 * 10 + 10),
        ),
        ("GRU", {"units": 2, "return_sequences": True}, [[5, 3]], (5, 2), 18 + 12 + 12),
        ("SimpleRNN", {"units": 2}, [[5, 3]], (2,), 12),
    ],
)
def test_sizes_and_parameters_follow_from_the_arguments(
    rule: Rule,
    layer: str,
    arguments: dict[str, Any],
    shapes: list[list[Any]],
    output: tuple[int | None, ...],
    parameters: int,
) -> None:
    found = rule(layer, arguments, *shapes)
    assert found.findings == []
    assert found.nodes["it"].output == (None, *output)
    assert found.parameters["it"] == parameters
