"""The rules that every class shares: its config comes back, and Keras finds it again."""

import inspect
import json
from typing import Any

import keras

from zoo.testing.rules import Broken, rule
from zoo.testing.subject import Subject

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@rule(
    "`get_config` returns every argument of the constructor, and `from_config` makes the same "
    "object of it.",
    "write get_config as {**super().get_config(), 'argument': self.argument, ...}, with plain "
    "values; serialize Keras objects with keras.saving.serialize_keras_object, and deserialize "
    "them in from_config.",
)
def config(bench: Any) -> None:
    """Checks the config of a class; a function has none."""
    subject: Subject = bench.subject
    if subject.is_function:
        return
    made = subject.make()
    found = made.get_config()
    # Keras itself leaves some out while they have their default.
    own = own_parameters(subject.target) if not subject.is_keras else ()
    missing = [name for name in (*own, *subject.arguments) if name not in found]
    if missing:
        raise Broken(f"get_config leaves out {', '.join(dict.fromkeys(missing))}")
    text = _as_text(made)
    again = subject.target.from_config(dict(found))
    if _as_text(again) != text:
        raise Broken(f"from_config(get_config()) gives another config: {_difference(made, again)}")


@rule(
    "Keras finds the class or function again when it loads a saved model.",
    "decorate it with @keras.saving.register_keras_serializable(package='your_package'), under a "
    "name that nothing else in that package has.",
)
def serialization(bench: Any) -> None:
    """Checks the registration with Keras, and a round trip through it."""
    subject: Subject = bench.subject
    made, target = subject.make(), subject.target
    if not subject.is_keras:
        name = keras.saving.get_registered_name(target)
        if ">" not in name:
            raise Broken(f"{target.__name__} is not registered with Keras")
        if keras.saving.get_registered_object(name) is not target:
            other = keras.saving.get_registered_object(name)
            raise Broken(f"another class is registered as {name!r}: {other.__module__}")
    again = keras.saving.deserialize_keras_object(_plain(made))
    if type(again) is not type(made):
        raise Broken(f"it comes back as a {type(again).__name__}")
    if not subject.is_function and _as_text(again) != _as_text(made):
        raise Broken(f"it comes back with another config: {_difference(made, again)}")


def own_parameters(target: Any) -> list[str]:
    """Names the parameters of the constructor that a class outside of Keras wrote itself."""
    for base in inspect.getmro(target):
        if "__init__" in vars(base):
            if str(base.__module__).partition(".")[0] == "keras":
                break
            parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            return [p.name for p in parameters if p.kind not in _VARIADIC]
    return []


def _plain(made: Any) -> Any:
    """Gives what a saved model holds: what has been through JSON."""
    try:
        return json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
    except TypeError as error:
        raise Broken(f"its config cannot be written as JSON: {error}") from error


def _as_text(made: Any) -> str:
    return json.dumps(_plain(made), sort_keys=True)


def _difference(one: Any, other: Any) -> str:
    before, after = _plain(one)["config"], _plain(other)["config"]
    names = [n for n in {**before, **after} if before.get(n) != after.get(n)]
    return ", ".join(f"{name} is {before.get(name)!r}, then {after.get(name)!r}" for name in names)
