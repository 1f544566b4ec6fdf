"""What a new model is to be, and its config as text."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from zoo.errors import ConfigError
from zoo.scaffold.templates import render


class Task(NamedTuple):
    """What a kind of task brings with it: the last layer's activation, the loss and the metric."""

    activation: str
    loss: str
    metric: str
    metric_name: str
    targets: str


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "regression": Task("", "MeanSquaredError", "MeanAbsoluteError", "mae", "numbers"),
        "classification": Task(
            "softmax",
            "SparseCategoricalCrossentropy",
            "SparseCategoricalAccuracy",
            "accuracy",
            "labels",
        ),
        "binary": Task("sigmoid", "BinaryCrossentropy", "BinaryAccuracy", "accuracy", "labels"),
    }
)
NETWORKS = ("mlp", "cnn", "rnn")
DATA = ("synthetic", "npz", "csv")

_RANKS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"mlp": (1, 2, 3, 4), "cnn": (2, 3), "rnn": (2,)}
)
"""How many axes an input has of which a network makes more than a row of numbers."""

_INPUT = re.compile(r"(?:([A-Za-z0-9_.-]{1,64})=)?([0-9]+(?:,[0-9]+)*)")
_LAYER = re.compile("y|hidden|both|.*_(flat|conv)")
_MOST_NUMBERS = 2**20


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its name, and its shape without the batch axis."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What a new model is to be; every part has a default.

    Attributes:
        name: Its name.
        inputs: Its inputs.
        task: One of `TASKS`.
        outputs: How many numbers, or classes, it gives.
        network: One of `NETWORKS`.
        loss: The registered name of its loss.
        data: One of `DATA`.
    """

    name: str
    inputs: tuple[Input, ...] = (Input("x", (8,)),)
    task: str = "regression"
    outputs: int = 2
    network: str = "mlp"
    loss: str = "MeanSquaredError"
    data: str = "synthetic"


def parse_input(text: str) -> Input:
    """Reads an input such as `image=28,28,1`; without a name it is `x`.

    Raises:
        ConfigError: If it is no name and shape.
    """
    match = _INPUT.fullmatch(text.strip())
    shape = tuple(map(int, match[2].split(","))) if match else ()
    if match is None or 0 in shape or math.prod(shape) > _MOST_NUMBERS or len(shape) > 4:
        raise ConfigError(
            f"{text!r} is not an input",
            suggestion="write NAME=SIZE,SIZE,... such as image=28,28,1: at most 4 axes beside that "
            f"of the batch, positive, and no more than {_MOST_NUMBERS:,} numbers",
        )
    return Input(match[1] or "x", shape)


def parse_inputs(texts: Sequence[str]) -> tuple[Input, ...]:
    """Reads inputs, each as `parse_input` does.

    Raises:
        ConfigError: If there is none, or two have one name, or one cannot be read.
    """
    inputs = tuple(parse_input(text) for text in texts)
    names = [given.name for given in inputs]
    if not names:
        raise ConfigError("a model needs an input", suggestion="such as x=8")
    if len(set(names)) < len(names):
        raise ConfigError(
            f"two inputs are called {max(names, key=names.count)!r}",
            suggestion="name each, such as left=8 right=8",
        )
    if taken := [name for name in names if _LAYER.fullmatch(name)]:
        raise ConfigError(
            f"no input can be called {taken[0]!r}: a layer is", suggestion="choose another name"
        )
    return inputs


def check_outputs(outputs: int, task: str) -> int:
    """Gives a number of outputs back if the task can have it.

    Raises:
        ConfigError: If it cannot.
    """
    least, most = {"binary": (1, 1), "classification": (2, 10_000)}.get(task, (1, 10_000))
    if not least <= outputs <= most:
        wanted = str(least) if least == most else f"{least:,} to {most:,}"
        raise ConfigError(
            f"{outputs} outputs are not for {task}", suggestion=f"{task} has {wanted}"
        )
    return outputs


def default_network(inputs: Sequence[Input]) -> str:
    """Names the network that suits the inputs: convolutions for images and series."""
    return "cnn" if any(len(given.shape) in _RANKS["cnn"] for given in inputs) else "mlp"


def check_network(network: str, inputs: Sequence[Input]) -> str:
    """Gives a network back if it can be made for those inputs.

    Raises:
        ConfigError: If none of them has the axes that it needs.
    """
    if not any(len(given.shape) in _RANKS[network] for given in inputs):
        wanted = " or ".join(map(str, _RANKS[network]))
        raise ConfigError(
            f'"{network}" needs an input of {wanted} axes, the last one the channels',
            suggestion='"mlp" takes any input',
        )
    return network


def check_data(data: str, inputs: Sequence[Input]) -> str:
    """Gives a dataset back if it can hold those inputs.

    Raises:
        ConfigError: If they do not fit into a table.
    """
    if data == "csv" and (len(inputs) > 1 or len(inputs[0].shape) > 1):
        raise ConfigError(
            "a CSV table is one input with one axis, its columns",
            suggestion='"npz" has an array for each input, of any shape',
        )
    return data


def config_text(plan: ModelPlan, schema: str) -> str:
    """Writes the config of a plan.

    Args:
        plan: What the model is to be.
        schema: Where the schema for editors is, from the config's folder.
    """
    task = TASKS[plan.task]
    kind = {"regression": "number", "classification": "class", "binary": "probability"}[plan.task]
    many = {"number": "numbers", "class": "classes"}.get(kind, kind)
    said = f"{plan.outputs} {kind if plan.outputs == 1 else many} from {_listed(plan.inputs)}."
    values = {
        "schema": schema,
        "name": plan.name,
        "description": said,
        "inputs": "\n\n".join(_input(given, place) for place, given in enumerate(plan.inputs)),
        "layers": "\n\n".join(_layers(plan)),
        "loss": plan.loss,
        "metric": task.metric,
        "metric_name": task.metric_name,
        "data": _data(plan),
    }
    return render("model.toml", values)


def _listed(inputs: Sequence[Input]) -> str:
    return " and ".join(f"{given.name} ({' x '.join(map(str, given.shape))})" for given in inputs)


def _input(given: Input, place: int) -> str:
    comment = "" if place else " # without the batch axis"
    return f'[[inputs]]\nname = "{given.name}"\nshape = {list(given.shape)}{comment}'


def _layer(name: str, type_: str, comment: str = "", **arguments: str) -> str:
    head = f"[[layers]] # {comment}" if comment else "[[layers]]"
    rows = [f"{key} = {value}" for key, value in arguments.items()]
    return "\n".join([head, f'name = "{name}"', f'type = "{type_}"', *rows])


def _layers(plan: ModelPlan) -> list[str]:
    layers: list[str] = []
    ends = []
    for given in plan.inputs:
        source = f'"{given.name}"' if len(plan.inputs) > 1 else ""
        added = _encoder(given, plan.network, source)
        layers += added
        ends.append(f"{given.name}_{'flat' if added else ''}".removesuffix("_"))
    several = len(ends) > 1
    if several:
        listed = ", ".join(f'"{end}"' for end in ends)
        layers.append(_layer("both", "Concatenate", inputs=f"[{listed}]"))
    first = "" if layers else "without `inputs`, a layer takes what stands above it"
    layers.append(_layer("hidden", "Dense", first, units="32", activation='"relu"'))
    activation = TASKS[plan.task].activation
    given_activation = {"activation": f'"{activation}"'} if activation else {}
    last = "the last one is the output; `zoo list layers` shows all"
    layers.append(_layer("y", "Dense", last, units=str(plan.outputs), **given_activation))
    return layers


def _encoder(given: Input, network: str, source: str) -> list[str]:
    """Gives the layers that make an input a row of numbers; none if it is one."""
    rank = len(given.shape)
    inputs = {"inputs": source} if source else {}
    flat = f"{given.name}_flat"
    if rank == 1:
        return []
    if network == "cnn" and rank in _RANKS["cnn"]:
        shape = {"filters": "16", "kernel_size": "3", "padding": '"same"', "activation": '"relu"'}
        conv = _layer(f"{given.name}_conv", f"Conv{rank - 1}D", **inputs, **shape)
        return [conv, _layer(flat, "Flatten")]
    if network == "rnn" and rank in _RANKS["rnn"]:
        return [_layer(flat, "LSTM", "its state after the last step", **inputs, units="32")]
    return [_layer(flat, "Flatten", **inputs)]


def _data(plan: ModelPlan) -> str:
    if plan.data == "synthetic":
        return _synthetic(plan)
    named = len(plan.inputs) > 1
    held = " and ".join(["x", "y"] if not named else [*(i.name for i in plan.inputs), "y"])
    if plan.data == "npz":
        comment, rows = f"holds the arrays {held}, samples first", []
    else:
        columns = ["y"] if plan.outputs == 1 or plan.task == "classification" else None
        columns = columns or [f"y{place + 1}" for place in range(plan.outputs)]
        comment = "a header, then numbers; the columns not in `outputs` are the input"
        rows = [f"outputs = {columns}".replace("'", '"')]
    lines = [
        f"[data] # {comment}",
        f'type = "{plan.data}"',
        f'path = "{plan.name}.{plan.data}" # from the folder of this file',
        *rows,
        "validation_split = 0.1",
        "test_split = 0.1",
    ]
    return "\n".join(lines)


def _synthetic(plan: ModelPlan) -> str:
    shapes = [f"{given.name} = {list(given.shape)}" for given in plan.inputs]
    several = len(shapes) > 1
    shape = f"{{ {', '.join(shapes)} }}" if several else str(list(plan.inputs[0].shape))
    targets = TASKS[plan.task].targets
    lines = [
        "[data] # made up; `npz` and `csv` read files, plugins bring more: `zoo list datasets`",
        'type = "synthetic"',
        f"x_shape = {shape}",
        f"y_shape = [{plan.outputs}]",
        *([f'targets = "{targets}"'] if targets != "numbers" else []),
    ]
    return "\n".join(lines)
