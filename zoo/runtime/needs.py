"""What a loss or metric asks for, read from its signature.

Beyond `y_true`, `y_pred` and `sample_weight`, a parameter of a loss's `call`, of a metric's
`update_state` or of a plain function is bound by its name to what the training step has.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras

INPUTS = "inputs"
GRADIENTS = "gradients"
TRAINABLE_VARIABLES = "trainable_variables"
TARGETS = ("y_true", "y_pred")
STANDARD = (*TARGETS, "sample_weight")
METRICS_ONLY = (GRADIENTS, TRAINABLE_VARIABLES)

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class UnboundNeed(Exception):
    """A loss or metric asks for something that the model does not have.

    Attributes:
        component: What asks: the class or function, or the label that the caller gave.
        need: The name asked for.
        available: The names that can be asked for.
        suggestion: The available name closest to `need`, or None.
    """

    def __init__(
        self, component: str, need: str, available: Iterable[str], reason: str | None = None
    ) -> None:
        self.component = component
        self.need = need
        self.available = tuple(available)
        close = difflib.get_close_matches(need, self.available, n=1)
        self.suggestion = close[0] if close else None
        reason = reason or f"there is: {', '.join(self.available)}"
        hint = f'; did you mean "{self.suggestion}"?' if self.suggestion else ""
        super().__init__(f'"{component}" asks for "{need}", which cannot be bound; {reason}{hint}')


@dataclass(frozen=True)
class Needs:
    """What a component asks for beyond targets, predictions and sample weights.

    Attributes:
        required: Parameters without a default.
        optional: Parameters with a default; bound where the model has something of that name.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def needs_of(component: Any, input_names: Iterable[str] = (), is_loss: bool | None = None) -> Needs:
    """Returns the parameters that a loss or metric asks for by name.

    Args:
        component: A `keras.losses.Loss`, a `keras.metrics.Metric` or a plain function.
        input_names: The model's input names. The first two positions hold targets and
            predictions whatever they are called, unless they carry one of these names.
        is_loss: Whether a plain function is a loss; omitted, only a `Loss` is one.
    """
    if is_loss is None:
        is_loss = isinstance(component, keras.losses.Loss)
    signature = Signature(component, is_loss, tuple(input_names))
    sources = signature.sources({})
    asked = [
        p
        for p in signature.parameters
        if p.name != "sample_weight" and sources.get(p.name) not in STANDARD
    ]
    return Needs(
        required=tuple(p.name for p in asked if not _has_default(p)),
        optional=tuple(p.name for p in asked if _has_default(p)),
    )


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
    signature = Signature(component, is_loss, tuple(input_names))
    label = label or signature.label
    signature.check_rebinding(needs, label)
    sources = signature.sources(needs)
    signature.check_complete(sources, label)
    return None if signature.fits_keras(sources) else sources


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


@dataclass(frozen=True)
class Signature:
    """The parameters of a loss or metric, beside what can be bound to them."""

    component: Any
    is_loss: bool
    input_names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The class's or function's own name."""
        if isinstance(self.component, keras.losses.Loss | keras.metrics.Metric):
            return type(self.component).__name__
        return str(getattr(self.component, "__name__", type(self.component).__name__))

    @cached_property
    def parameters(self) -> list[inspect.Parameter]:
        """The named parameters of what Keras calls; none for what Keras itself wrote."""
        function = called(self.component)
        package = str(getattr(function, "__module__", "")).split(".")[0]
        if not callable(function) or package == "keras":
            return []
        parameters = inspect.signature(function).parameters.values()
        return [p for p in parameters if p.kind not in _VARIADIC]

    @property
    def bindable(self) -> tuple[str, ...]:
        """The names that can be asked for."""
        return (INPUTS, *(() if self.is_loss else METRICS_ONLY), *self.input_names)

    def sources(self, needs: Mapping[str, str]) -> dict[str, str]:
        """Maps each parameter that can be given a value to where the value comes from."""
        sources = dict(needs)
        for name in (p.name for p in self.parameters if p.name not in needs):
            if name in STANDARD or name in self.bindable:
                sources[name] = name
        names = [p.name for p in self.parameters]
        if "y" in names and "y" not in sources and "y_true" not in sources:
            sources["y"] = "y_true"
        self._fill_positions(sources)
        if self.is_loss and self.parameters and "y_pred" not in sources.values():
            # Nothing can be learned from a loss that never sees the prediction: an input only
            # happens to share its name with a position that Keras fills.
            for name in (n for n in names[:2] if n in self.input_names and n not in needs):
                del sources[name]
            self._fill_positions(sources)
        self._leave_weighting_to_keras(sources)
        return sources

    def _fill_positions(self, sources: dict[str, str]) -> None:
        """Gives the first two positions, where not asked for by name, what Keras passes there."""
        positional = [p for p in self.parameters if p.kind in _POSITIONAL]
        for parameter, target in zip(positional[:2], TARGETS, strict=False):
            if parameter.name in (*sources, *METRICS_ONLY) or _has_default(parameter):
                continue
            spare = [t for t in (target, *TARGETS) if t not in sources.values()]
            if spare:
                sources[parameter.name] = spare[0]

    def _leave_weighting_to_keras(self, sources: dict[str, str]) -> None:
        """Drops an optional `sample_weight` where Keras weights the returned values.

        One without a default is passed, and then Keras leaves the weighting to the component:
        either way it happens once.
        """
        weighted_by_keras = self.is_loss or is_function(self.component)
        for parameter in self.parameters:
            if parameter.name == "sample_weight" and weighted_by_keras and _has_default(parameter):
                sources.pop("sample_weight", None)

    def check_rebinding(self, needs: Mapping[str, str], label: str) -> None:
        """Raises where a rebinding names a parameter or a source that is not there."""
        names = [p.name for p in self.parameters]
        for parameter in needs:
            if parameter not in names:
                reason = f"it has no such parameter; it has: {', '.join(names) or 'none'}"
                raise UnboundNeed(label, parameter, names, reason)
        self.check_sources(needs.values(), label)

    def check_sources(self, sources: Iterable[str], label: str) -> None:
        """Raises where a source is not there."""
        for source in sources:
            if source not in (*STANDARD, *self.bindable):
                raise self._unbound(label, source)

    def check_complete(self, sources: Mapping[str, str], label: str) -> None:
        """Raises where a parameter without a default gets no value."""
        for parameter in self.parameters:
            if parameter.name not in sources and not _has_default(parameter):
                raise self._unbound(label, parameter.name)

    def _unbound(self, label: str, need: str) -> UnboundNeed:
        available = (*STANDARD, *self.bindable)
        if not self.is_loss or need not in METRICS_ONLY:
            return UnboundNeed(label, need, available)
        reason = f"only a metric can ask for {need}; there is: {', '.join(available)}"
        return UnboundNeed(label, need, available, reason)

    def fits_keras(self, sources: Mapping[str, str]) -> bool:
        """Whether Keras's own positional call gives every parameter its value."""
        positional = [sources.get(p.name) for p in self.parameters if p.kind in _POSITIONAL]
        if not self.parameters:
            return True
        if positional[:2] != list(TARGETS) or any(s not in STANDARD for s in sources.values()):
            return False
        if isinstance(self.component, keras.metrics.Metric):
            return positional[2:3] in ([], ["sample_weight"])
        return "sample_weight" not in sources.values()


def _has_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not parameter.empty
