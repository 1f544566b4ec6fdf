"""What a loss or metric asks for by naming it, and what can be bound to that.

Beyond `y_true`, `y_pred` and `sample_weight`, a parameter of a loss's `call`, of a metric's
`update_state` or of a plain function is bound by its name to what the training step has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from zoo.catalog.cards import Card, Parameter
from zoo.components import closest

INPUTS = "inputs"
GRADIENTS = "gradients"
TRAINABLE_VARIABLES = "trainable_variables"
TARGETS = ("y_true", "y_pred")
STANDARD = (*TARGETS, "sample_weight")
METRICS_ONLY = (GRADIENTS, TRAINABLE_VARIABLES)

Form = Literal["Loss", "Metric", "function"]


class UnboundNeed(Exception):
    """A loss or metric asks for something that the model does not have.

    Attributes:
        component: What asks.
        need: The name asked for.
        available: The names that can be asked for.
        message: What is wrong, without the suggestion.
        suggestion: The available name closest to `need`, or None.
    """

    def __init__(
        self, component: str, need: str, available: Iterable[str], reason: str | None = None
    ) -> None:
        self.component = component
        self.need = need
        self.available = tuple(available)
        self.suggestion = closest(need, self.available)
        reason = reason or f"there is: {', '.join(self.available)}"
        self.message = f'"{component}" asks for "{need}", which cannot be bound; {reason}'
        hint = f'; did you mean "{self.suggestion}"?' if self.suggestion else ""
        super().__init__(f"{self.message}{hint}")


@dataclass(frozen=True)
class Needs:
    """What a component asks for beyond targets, predictions and sample weights.

    Attributes:
        required: Parameters without a default.
        optional: Parameters with a default; bound where the model has something of that name.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """What is called for a loss or metric, and the model that it is called in.

    Attributes:
        label: What to call it in messages.
        form: A `keras.losses.Loss`, a `keras.metrics.Metric`, or a plain function.
        is_loss: Whether it serves as a loss.
        parameters: The named parameters; none for what Keras itself wrote.
        input_names: The model's input names.
    """

    label: str
    form: Form
    is_loss: bool
    parameters: tuple[Parameter, ...]
    input_names: tuple[str, ...] = ()

    @property
    def bindable(self) -> tuple[str, ...]:
        """The names that can be asked for."""
        return (INPUTS, *(() if self.is_loss else METRICS_ONLY), *self.input_names)

    def needs(self) -> Needs:
        """Gives what is asked for by name.

        The first two positions hold targets and predictions whatever they are called, unless
        they carry the name of a model input.
        """
        sources = self.sources({})
        asked = [
            p
            for p in self.parameters
            if p.name != "sample_weight" and sources.get(p.name) not in STANDARD
        ]
        return Needs(
            required=tuple(p.name for p in asked if p.required),
            optional=tuple(p.name for p in asked if not p.required),
        )

    def bound(self, needs: Mapping[str, str]) -> dict[str, str] | None:
        """Maps each parameter that gets a value to where the value comes from.

        Args:
            needs: Which source each parameter takes where the names differ.

        Returns:
            The map, or None where the call that Keras makes anyway is right as it is.

        Raises:
            UnboundNeed: A required parameter has no source, or `needs` names what is not there.
        """
        self._check_rebinding(needs)
        sources = self.sources(needs)
        for parameter in self.parameters:
            if parameter.name not in sources and parameter.required:
                raise self._unbound(parameter.name)
        return None if self._fits_keras(sources) else sources

    def check_sources(self, sources: Iterable[str]) -> None:
        """Raises where a source is not there."""
        for source in sources:
            if source not in (*STANDARD, *self.bindable):
                raise self._unbound(source)

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
        positional = [p for p in self.parameters if p.positional]
        for parameter, target in zip(positional[:2], TARGETS, strict=False):
            if parameter.name in (*sources, *METRICS_ONLY) or not parameter.required:
                continue
            spare = [t for t in (target, *TARGETS) if t not in sources.values()]
            if spare:
                sources[parameter.name] = spare[0]

    def _leave_weighting_to_keras(self, sources: dict[str, str]) -> None:
        """Drops an optional `sample_weight` where Keras weights the returned values.

        One without a default is passed, and then Keras leaves the weighting to the component:
        either way it happens once.
        """
        weighted_by_keras = self.is_loss or self.form == "function"
        for parameter in self.parameters:
            if parameter.name == "sample_weight" and weighted_by_keras and not parameter.required:
                sources.pop("sample_weight", None)

    def _check_rebinding(self, needs: Mapping[str, str]) -> None:
        names = [p.name for p in self.parameters]
        for parameter in needs:
            if parameter not in names:
                reason = f"it has no such parameter; it has: {', '.join(names) or 'none'}"
                raise UnboundNeed(self.label, parameter, names, reason)
        self.check_sources(needs.values())

    def _unbound(self, need: str) -> UnboundNeed:
        available = (*STANDARD, *self.bindable)
        if not self.is_loss or need not in METRICS_ONLY:
            return UnboundNeed(self.label, need, available)
        reason = f"only a metric can ask for {need}; there is: {', '.join(available)}"
        return UnboundNeed(self.label, need, available, reason)

    def _fits_keras(self, sources: Mapping[str, str]) -> bool:
        """Whether Keras's own positional call gives every parameter its value."""
        positional = [sources.get(p.name) for p in self.parameters if p.positional]
        if not self.parameters:
            return True
        if positional[:2] != list(TARGETS) or any(s not in STANDARD for s in sources.values()):
            return False
        if self.form == "Metric":
            return positional[2:3] in ([], ["sample_weight"])
        return "sample_weight" not in sources.values()


def call_of(
    card: Card,
    kind: str,
    label: str,
    arguments: Mapping[str, Any] | None = None,
    input_names: Iterable[str] = (),
) -> Call | None:
    """Gives what is called for a loss or metric, as its card has it.

    Args:
        card: The card.
        kind: `losses` or `metrics`; nothing else asks for anything.
        label: What to call it in messages.
        arguments: The arguments that a config gives it; those of a function are bound to it.
        input_names: The model's input names.

    Returns:
        None where the card does not tell.
    """
    form = card.base if card.is_class else "function"
    if kind not in ("losses", "metrics") or card.call is None:
        return None
    if form not in ("Loss", "Metric", "function"):
        return None
    parameters: tuple[Parameter, ...] = () if card.called_as_keras else card.call
    if form == "function":
        parameters = _with_arguments(parameters, arguments or {})
    return Call(label, form, kind == "losses", parameters, tuple(input_names))  # type: ignore[arg-type]


def _with_arguments(
    parameters: tuple[Parameter, ...], arguments: Mapping[str, Any]
) -> tuple[Parameter, ...]:
    """Leaves what is given its value; what comes behind it can be given by name only."""
    result = []
    positional = True
    for parameter in parameters:
        given = parameter.name in arguments
        positional = positional and not given
        result.append(
            Parameter(
                parameter.name,
                required=parameter.required and not given,
                positional=parameter.positional and positional,
            )
        )
    return tuple(result)
