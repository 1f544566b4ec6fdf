"""What people who come from elsewhere write, and what it is called here.

Only names are listed whose likeliest misspelling would be something else.
"""

import ast
from collections.abc import Sequence

from zoo.components import Component
from zoo.errors import as_written

_CODE = "a config holds no code: write a {} in a plugin"

_ENTROPIES = {
    **dict.fromkeys(("ce", "cce"), "CategoricalCrossentropy"),
    **dict.fromkeys(("sce", "scce"), "SparseCategoricalCrossentropy"),
    "softmax_cross_entropy": "CategoricalCrossentropy",
    "sigmoid_cross_entropy": "BinaryCrossentropy",
    **dict.fromkeys(("cross_entropy", "crossentropy"), "CategoricalCrossentropy"),
}

MEANT = {
    "metrics": {"rmse": "RootMeanSquaredError", **_ENTROPIES},
    "losses": _ENTROPIES,
    "initializers": {"normal": "RandomNormal"},
    "activations": {"lrelu": "leaky_relu"},
    "layers": {"lrelu": "LeakyReLU", "avgpool": "AveragePooling2D"},
    "callbacks": {"reduce_lr": "ReduceLROnPlateau"},
}
"""The component that another name of it means, by kind and name in lower case."""

REMEDIES = {
    "metrics": {"smape": "", "rmsle": ""},
    "losses": {
        "rmse": 'write "mse": it is least where its root is',
        "smape": "",
        "rmsle": 'write "msle": it is least where its root is',
    },
    "optimizers": {
        "sgdm": 'that is { type = "SGD", momentum = 0.9 }',
        "amsgrad": 'that is { type = "Adam", amsgrad = true }',
    },
    "activations": {"prelu": 'it has weights: write a layer of type = "PReLU"'},
    "layers": {
        "gelu": 'write type = "Activation" and activation = "gelu"',
        **dict.fromkeys(
            ("lambda", "tfsmlayer", "torchmodulewrapper", "jaxlayer", "flaxlayer"),
            _CODE.format("layer"),
        ),
    },
    "callbacks": {
        "lambdacallback": _CODE.format("callback"),
        "learningratescheduler": "write a schedule as `learning_rate` of [optimizer]",
    },
}
"""What to write instead, where it is no component; empty where nothing here is alike."""

ARGUMENTS = {
    "optimizers": {
        "lr": "write `learning_rate`",
        "decay": 'write a schedule: learning_rate = { type = "InverseTimeDecay", ... }',
    },
    "layers": {
        **dict.fromkeys(
            ("input_shape", "input_dim", "batch_input_shape", "input_length"),
            "the shapes of a model's inputs stand in [[inputs]]",
        ),
    },
}
"""What to write instead of an argument that Keras had once, by kind."""

ARGUMENTS_OF = {"LeakyReLU.alpha": "write `negative_slope`"}
"""The same, by component."""


def remedy_of(component: Component, argument: str) -> str | None:
    """Says what to write instead of an argument that Keras had once."""
    of_its_own = ARGUMENTS_OF.get(f"{component.name}.{argument}")
    return of_its_own or ARGUMENTS.get(component.kind, {}).get(argument)


def as_a_table(call: str, parameters: Sequence[str]) -> str | None:
    """Writes what looks like a call in Python as a component's table.

    Args:
        call: What a config has as a name, such as `"l2(0.01)"`.
        parameters: The names of what is called takes by position.

    Returns:
        `{ type = "l2", l2 = 0.01 }`; None where it is no call with plain values.
    """
    try:
        tree = ast.parse(call, mode="eval").body
        if not isinstance(tree, ast.Call):
            return None
        values = dict(zip(parameters, map(ast.literal_eval, tree.args), strict=False))
        values |= {str(word.arg): ast.literal_eval(word.value) for word in tree.keywords}
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    pairs = {"type": called(call), **values}.items()
    return f"{{ {', '.join(f'{name} = {as_written(value)}' for name, value in pairs)} }}"


def called(call: str) -> str:
    """Gives the name of what `name(...)` calls."""
    return call.partition("(")[0].strip()
