"""What a loss or metric asks for, read from the object that Keras calls."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from zoo.catalog.cards import Parameter
from zoo.resolve.needs import Call, Form, Needs

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def needs_of(component: Any, input_names: Iterable[str] = (), is_loss: bool | None = None) -> Needs:
    """Returns the parameters that a loss or metric asks for by name.

    Args:
        component: A `keras.losses.Loss`, a `keras.metrics.Metric` or a plain function.
        input_names: The model's input names.
        is_loss: Whether a plain function is a loss; omitted, only a `Loss` is one.
    """
    if is_loss is None:
        is_loss = isinstance(component, keras.losses.Loss)
    return call_to(component, is_loss, input_names).needs()


def resolve(
    component: Any,
    is_loss: bool,
    needs: Mapping[str, str],
    input_names: Iterable[str],
    label: str | None = None,
) -> dict[str, str] | None:
    """Maps each parameter that gets a value to where the value comes from.

    Returns:
        The map, or None where the call that Keras makes anyway is right as it is.

    Raises:
        UnboundNeed: A required parameter has no source, or `needs` names what is not there.
    """
    return call_to(component, is_loss, input_names, label).bound(needs)


def call_to(
    component: Any, is_loss: bool, input_names: Iterable[str], label: str | None = None
) -> Call:
    """Describes what is called for a loss or metric."""
    form: Form = "function"
    if isinstance(component, keras.losses.Loss):
        form = "Loss"
    elif isinstance(component, keras.metrics.Metric):
        form = "Metric"
    names = _parameters(called(component))
    return Call(label or _label(component), form, is_loss, names, tuple(input_names))


def called(component: Any) -> Any:
    """Returns the function that computes a loss's values or updates a metric."""
    if isinstance(component, keras.losses.Loss):
        return component.call
    if isinstance(component, keras.metrics.Metric):
        return component.update_state
    return component


def is_function(component: Any) -> bool:
    """Whether a loss or metric is neither a `Loss` nor a `Metric`."""
    return not isinstance(component, keras.losses.Loss | keras.metrics.Metric)


def _label(component: Any) -> str:
    if not is_function(component):
        return type(component).__name__
    return str(getattr(component, "__name__", type(component).__name__))


def _parameters(function: Any) -> tuple[Parameter, ...]:
    """Gives the named parameters of what Keras calls; none for what Keras itself wrote."""
    package = str(getattr(function, "__module__", "")).split(".")[0]
    if not callable(function) or package == "keras":
        return ()
    return tuple(
        Parameter(p.name, p.default is p.empty, p.kind in _POSITIONAL)
        for p in inspect.signature(function).parameters.values()
        if p.kind not in _VARIADIC
    )
