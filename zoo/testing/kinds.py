"""What a target has to be to stand for a component of its kind."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from zoo.components import singular
from zoo.resolve.arguments import SUPPLIED

BASES = {
    "layers": keras.Layer,
    "losses": keras.losses.Loss,
    "metrics": keras.metrics.Metric,
    "optimizers": keras.optimizers.Optimizer,
    "callbacks": keras.callbacks.Callback,
    "initializers": keras.initializers.Initializer,
    "regularizers": keras.regularizers.Regularizer,
    "constraints": keras.constraints.Constraint,
    "schedules": keras.optimizers.schedules.LearningRateSchedule,
}
"""The Keras class that a component of the kind derives from."""

_CLASSES_ONLY = ("layers", "optimizers", "callbacks", "schedules")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def why_not(kind: str, target: Any) -> str | None:
    """Says why a target cannot stand for a component of a kind; None if it can."""
    what = f"{getattr(target, '__name__', target)!s}"
    base = BASES.get(kind)
    if not callable(target):
        return f"{what} is a {type(target).__name__}, which cannot be called"
    if base is not None and (inspect.isclass(target) or kind in _CLASSES_ONLY):
        if not (inspect.isclass(target) and issubclass(target, base)):
            function = "" if kind in _CLASSES_ONLY else ", nor a function"
            return f"{what} is not a class derived from keras.{base.__name__}{function}"
        return None
    return _why_not_called(kind, target, what)


def kind_of(target: Any) -> str | None:
    """Tells the kind of a class by what it derives from; None for anything else."""
    if not inspect.isclass(target):
        return None
    return next((kind for kind, base in BASES.items() if issubclass(target, base)), None)


def _why_not_called(kind: str, target: Callable[..., Any], what: str) -> str | None:
    supplied = SUPPLIED.get(kind, ())
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return None  # a compiled function may have no signature
    taken = [p.name for p in parameters if p.kind in _POSITIONAL][: len(supplied)]
    takes_any = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    if len(taken) < len(supplied) and not takes_any:
        return (
            f"{what} takes ({', '.join(taken)}) by position; a {singular(kind)} is called with "
            f"({', '.join(supplied)})"
        )
    return None
