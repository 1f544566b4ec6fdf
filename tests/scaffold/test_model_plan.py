"""The config of a new model as text, and which answers no model can have."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.errors import ConfigError
from zoo.scaffold.model_plan import (
    Input,
    ModelPlan,
    check_data,
    check_network,
    check_outputs,
    config_text,
    default_network,
    parse_input,
    parse_inputs,
)

IMAGE = Input("image", (8, 8, 3))
SERIES = Input("series", (9, 2))
SITE = Input("site", (4,))

HIDDEN = '[[layers]]\nname = "hidden"\ntype = "Dense"\nunits = 32\nactivation = "relu"'
LAST = "[[layers]] # the last one is the output; `zoo list layers` shows all"


def blocks(beginning: str, **parts: Any) -> list[str]:
    """The tables of a new config that begin with a text, as they are written."""
    text = config_text(ModelPlan("mine", **parts), "../schema.json")
    return [block for block in text.split("\n\n") if block.startswith(beginning)]


def test_each_image_and_series_is_convolved_and_flattened_and_all_are_put_together() -> None:
    layers = blocks(
        "[[layers]]", inputs=(IMAGE, SERIES, SITE), task="classification", outputs=10, network="cnn"
    )
    convolved = 'filters = 16\nkernel_size = 3\npadding = "same"\nactivation = "relu"'
    assert layers == [
        f'[[layers]]\nname = "image_conv"\ntype = "Conv2D"\ninputs = "image"\n{convolved}',
        '[[layers]]\nname = "image_flat"\ntype = "Flatten"',
        f'[[layers]]\nname = "series_conv"\ntype = "Conv1D"\ninputs = "series"\n{convolved}',
        '[[layers]]\nname = "series_flat"\ntype = "Flatten"',
        '[[layers]]\nname = "both"\ntype = "Concatenate"\n'
        'inputs = ["image_flat", "series_flat", "site"]',
        HIDDEN,
        f'{LAST}\nname = "y"\ntype = "Dense"\nunits = 10\nactivation = "softmax"',
    ]


def test_a_series_goes_through_an_lstm_and_what_is_none_is_flattened() -> None:
    assert blocks("[[layers]]", inputs=(SERIES,), network="rnn", outputs=1, task="binary") == [
        "[[layers]] # its state after the last step\n"
        'name = "series_flat"\ntype = "LSTM"\nunits = 32',
        HIDDEN,
        f'{LAST}\nname = "y"\ntype = "Dense"\nunits = 1\nactivation = "sigmoid"',
    ]
    first, second, both, *_ = blocks("[[layers]]", inputs=(SERIES, IMAGE), network="rnn")
    assert first.endswith('type = "LSTM"\ninputs = "series"\nunits = 32')
    assert second == '[[layers]]\nname = "image_flat"\ntype = "Flatten"\ninputs = "image"'
    assert both.endswith('type = "Concatenate"\ninputs = ["series_flat", "image_flat"]')


def test_numbers_in_a_row_go_to_the_hidden_layer_as_they_are() -> None:
    first, last = blocks("[[layers]]")
    assert first == HIDDEN.replace(
        "]]\n", "]] # without `inputs`, a layer takes what stands above it\n", 1
    )
    assert last == f'{LAST}\nname = "y"\ntype = "Dense"\nunits = 2'


def test_the_first_input_says_what_its_shape_leaves_out() -> None:
    assert blocks("[[inputs]]", inputs=(IMAGE, SITE)) == [
        '[[inputs]]\nname = "image"\nshape = [8, 8, 3] # without the batch axis',
        '[[inputs]]\nname = "site"\nshape = [4]',
    ]


@pytest.mark.parametrize(
    ("task", "outputs", "said"),
    [
        ("regression", 1, "1 number"),
        ("regression", 2, "2 numbers"),
        ("classification", 3, "3 classes"),
        ("binary", 1, "1 probability"),
    ],
)
def test_what_it_is_to_be_is_said_in_a_sentence(task: str, outputs: int, said: str) -> None:
    (head,) = blocks("zoo = 1", inputs=(SERIES, SITE), task=task, outputs=outputs)
    assert f'description = "{said} from series (9 x 2) and site (4)." #' in head


SPLITS = "validation_split = 0.1\ntest_split = 0.1"


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ({}, 'type = "synthetic"\nx_shape = [8]\ny_shape = [2]'),
        (
            {"inputs": (SERIES, SITE), "task": "binary", "outputs": 1},
            'type = "synthetic"\nx_shape = { series = [9, 2], site = [4] }\ny_shape = [1]\n'
            'targets = "labels"',
        ),
        (
            {"data": "npz", "inputs": (SERIES, SITE)},
            "[data] # holds the arrays series and site and y, samples first\n"
            f'type = "npz"\npath = "mine.npz" # from the folder of this file\n{SPLITS}',
        ),
        ({"data": "npz"}, "[data] # holds the arrays x and y, samples first\n"),
        ({"data": "csv", "outputs": 1}, f'folder of this file\noutputs = ["y"]\n{SPLITS}'),
        ({"data": "csv"}, f'folder of this file\noutputs = ["y1", "y2"]\n{SPLITS}'),
        (
            {"data": "csv", "task": "classification", "outputs": 3},
            "[data] # a header, then numbers; the columns not in `outputs` are the input\n"
            f'type = "csv"\npath = "mine.csv" # from the folder of this file\noutputs = ["y"]\n'
            f"{SPLITS}",
        ),
    ],
)
def test_the_data_holds_what_goes_in_and_what_comes_out(parts: dict[str, Any], wanted: str) -> None:
    (block,) = blocks("[data]", **parts)
    assert wanted in block
    assert block.count("targets") == wanted.count("targets")


@pytest.mark.parametrize(
    ("inputs", "network"),
    [
        ((SITE,), "mlp"),
        ((SITE, SERIES), "cnn"),
        ((IMAGE,), "cnn"),
        ((Input("x", (2,) * 4),), "mlp"),
    ],
)
def test_images_and_series_are_convolved_where_nothing_else_is_asked_for(
    inputs: tuple[Input, ...], network: str
) -> None:
    assert default_network(inputs) == network
    assert check_network(network, inputs) == network


def test_an_input_is_a_name_and_sizes_and_is_called_x_without_one() -> None:
    assert parse_input(" image=28,28,1 ") == Input("image", (28, 28, 1))
    assert parse_inputs(["1048576", "z=1,1,1,3"]) == (
        Input("x", (2**20,)),
        Input("z", (1, 1, 1, 3)),
    )


TOO_MUCH = (
    "write NAME=SIZE,SIZE,... such as image=28,28,1: at most 4 axes beside that of the batch, "
    "positive, and no more than 1,048,576 numbers"
)


@pytest.mark.parametrize(
    ("act", "message", "suggestion"),
    [
        (lambda: parse_input("x=two"), "'x=two' is not an input", TOO_MUCH),
        (lambda: parse_input("x=0"), "'x=0' is not an input", TOO_MUCH),
        (lambda: parse_input("x=1,1,1,1,1"), "'x=1,1,1,1,1' is not an input", TOO_MUCH),
        (lambda: parse_input("1048577"), "'1048577' is not an input", TOO_MUCH),
        (lambda: parse_inputs([]), "a model needs an input", "such as x=8"),
        (
            lambda: parse_inputs(["a=1", "a=2", "b=3"]),
            "two inputs are called 'a'",
            "name each, such as left=8 right=8",
        ),
        (
            lambda: parse_inputs(["a=1", "a_flat=2"]),
            "no input can be called 'a_flat': a layer is",
            "choose another name",
        ),
        (lambda: check_outputs(2, "binary"), "2 outputs are not for binary", "binary has 1"),
        (
            lambda: check_outputs(1, "classification"),
            "1 outputs are not for classification",
            "classification has 2 to 10,000",
        ),
        (
            lambda: check_outputs(10_001, "regression"),
            "10001 outputs are not for regression",
            "regression has 1 to 10,000",
        ),
        (
            lambda: check_network("rnn", [IMAGE, SITE]),
            '"rnn" needs an input of 2 axes, the last one the channels',
            '"mlp" takes any input',
        ),
        (
            lambda: check_data("csv", [SITE, SITE]),
            "a CSV table is one input with one axis, its columns",
            '"npz" has an array for each input, of any shape',
        ),
        (
            lambda: check_data("csv", [SERIES]),
            "a CSV table is one input with one axis, its columns",
            '"npz" has an array for each input, of any shape',
        ),
    ],
)
def test_what_no_model_can_have_is_refused_with_what_it_can(
    act: Callable[[], object], message: str, suggestion: str
) -> None:
    with pytest.raises(ConfigError) as info:
        act()
    (finding,) = info.value.findings
    assert (finding.message, finding.suggestion) == (message, suggestion)


def test_what_a_model_can_have_is_given_back() -> None:
    assert check_outputs(10_000, "classification") == 10_000
    assert check_outputs(1, "binary") == 1
    assert check_outputs(1, "regression") == 1
    assert check_data("csv", [SITE]) == "csv"
    assert check_data("npz", [SERIES, SITE]) == "npz"
