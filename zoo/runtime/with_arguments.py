"""A function with some of its arguments given, which Keras can save and load."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")
class WithArguments:
    """A loss, metric or activation function together with arguments from the config.

    Keras writes a `functools.partial` into a saved model and cannot read it back.

    Args:
        function: The function.
        arguments: Its arguments by name.
    """

    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.arguments = dict(arguments)
        self.__signature__ = inspect.signature(functools.partial(function, **arguments))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function."""
        return self.function(*args, **{**self.arguments, **kwargs})

    def get_config(self) -> dict[str, Any]:
        """Returns the serializable configuration."""
        return {
            "function": keras.saving.serialize_keras_object(self.function),
            "arguments": dict(self.arguments),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WithArguments":
        """Makes the function from its configuration."""
        return cls(keras.saving.deserialize_keras_object(config["function"]), config["arguments"])
