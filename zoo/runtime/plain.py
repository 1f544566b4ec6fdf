"""A model of the zoo as Keras alone would have made it."""

from collections.abc import Iterator
from typing import Any

import keras

from zoo.errors import ConfigError
from zoo.runtime.exported import custom_objects

_FUNCTIONAL = {
    "module": "keras.src.models.functional",
    "class_name": "Functional",
    "registered_name": "Functional",
}
_LAYER_OF_FUNCTION = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "softmax": "Softmax",
}


def plain_model(model: Any, *, in_float32: bool = False) -> Any:
    """Makes the uncompiled `keras.Model` of the same graph, with a copy of the weights.

    Losses and metrics that are given more than targets and predictions work in the zoo's own
    model class alone, so none are taken over.

    Args:
        model: A functional model, of the zoo's class or with models of that class as layers.
        in_float32: Whether layers compute in float32 whose policy has a lower precision.
    """
    config = plain_config(model)
    if in_float32:
        config = _in_float32(config)
    plain = keras.saving.deserialize_keras_object(config, custom_objects(config))
    for ours, theirs in zip(model.weights, plain.weights, strict=True):
        theirs.assign(ours.value)
    return plain


def plain_config(model: Any) -> dict[str, Any]:
    """Gives the config that Keras makes the plain model by."""
    config: dict[str, Any] = _plain(keras.saving.serialize_keras_object(model), None)
    return config


def refuse_what_needs_the_zoo(model: Any) -> None:
    """Refuses a model whose config no Keras without the zoo can read.

    Raises:
        ConfigError: Naming each layer and function.
    """
    wrong = list(_bound_functions(plain_config(model), ""))
    if wrong:
        raise ConfigError(
            f"Keras alone cannot save {'; '.join(wrong)}",
            suggestion="write the function as a layer of its own, or export as savedmodel, "
            "onnx or tflite",
        )


def _plain(value: Any, dtype: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item, dtype) for item in value]
    if not isinstance(value, dict):
        return value
    dtype = value.get("dtype", dtype)
    registered = value.get("registered_name")
    if registered == "zoo>WithArguments" and (layer := _as_layer(value["config"], dtype)):
        return layer
    items = {key: _plain(item, dtype) for key, item in value.items()}
    if registered == "zoo>BoundModel":
        items.pop("compile_config", None)
        return {**items, **_FUNCTIONAL}
    return items


def _in_float32(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_in_float32(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return {**value, "config": {"name": "float32"}}
    return {key: _in_float32(item) for key, item in value.items()}


def _as_layer(config: dict[str, Any], dtype: Any) -> dict[str, Any] | None:
    """Writes an activation with arguments as the layer that computes the same, if there is one."""
    kind = _LAYER_OF_FUNCTION.get(_name_of(config["function"]))
    if kind is None:
        return None
    # Inside a layer of mixed precision it has to compute in that layer's dtype.
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {**config["arguments"], "dtype": dtype},
        "registered_name": None,
    }


def _bound_functions(value: Any, layer: str) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _bound_functions(item, layer)
    elif isinstance(value, dict):
        if value.get("registered_name") == "zoo>WithArguments":
            yield f"the function {_name_of(value['config']['function'])} with arguments in {layer}"
            return
        layer = value["name"] if isinstance(value.get("name"), str) else layer
        for item in value.values():
            yield from _bound_functions(item, layer)


def _name_of(function: Any) -> str:
    return str(function["config"] if isinstance(function, dict) else function)
