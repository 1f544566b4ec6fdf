"""The form of a model config, as strict Pydantic models.

Arguments of a component stand flat beside its `type`, so each component's table keeps whatever
it does not know as arguments; every other table refuses unknown keys.
"""

import math
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError

from zoo.components import did_you_mean
from zoo.errors import as_written

MAX_NODES = 20_000
ANY_SIZE = "any"
"""An axis of an input whose size may differ from batch to batch."""

_SIZES = f'a size is a positive integer, or "{ANY_SIZE}" where it may differ'

DTYPES = (
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "string",
)
PRECISIONS = (
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "mixed_float16",
    "mixed_bfloat16",
)
LOGS = ("tensorboard", "csv")
STRATEGIES = ("mirrored", "multi_worker")
SWEEPS = ("grid", "random", "tpe")
MODES = ("min", "max")
OTHER_NAMES = {
    **{"float": "float32", "double": "float64", "half": "float16", "int": "int32"},
    **{"str": "string", "boolean": "bool"},
    **{"fp16": "mixed_float16", "bf16": "mixed_bfloat16", "fp32": "float32", "fp64": "float64"},
    **{"mixed": "mixed_float16"},
}
"""What other programs call a dtype or a precision."""


def wrong_type(message: str) -> PydanticCustomError:
    """Says that a value has the wrong type."""
    return PydanticCustomError("wrong-type", "{message}", {"message": message})


def bad_value(message: str, hint: str | None = None) -> PydanticCustomError:
    """Says that a value of the right type is not accepted, and which may be meant."""
    return PydanticCustomError("bad-value", "{message}", {"message": message, "hint": hint})


def _table_of_type(value: Any) -> Any:
    # A component without arguments may be written as its name alone.
    if isinstance(value, str):
        return {"type": value}
    if not isinstance(value, dict):
        raise wrong_type("a component is a name, or a table with `type`")
    return value


def _axis(value: Any) -> int | None:
    if value == ANY_SIZE:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(f"{_SIZES}; received {as_written(value)}")
    if value < 1:
        raise bad_value(f"{_SIZES}; received {value}")
    return value


def _one_of(choices: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in choices:
            meant = OTHER_NAMES.get(value, value)
            hint = did_you_mean(meant, choices)
            raise bad_value(f"{value!r} is not one of {', '.join(choices)}", hint)
        return value

    return AfterValidator(check)


def _true_false_or_a_way(value: Any) -> Any:
    if value not in ("auto", "measure") and not isinstance(value, bool):
        raise wrong_type('`jit_compile` is true, false, "auto" or "measure"')
    return value


def _one_or_several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _references(value: Any) -> Any:
    values = list(value.values()) if isinstance(value, dict) else [value]
    flat = [name for item in values for name in (item if isinstance(item, list) else [item])]
    if not flat:
        raise bad_value("a node needs at least one input")
    if not all(isinstance(name, str) for name in flat):
        raise wrong_type("`inputs` is a node's name, a list of names, or a table of them")
    return value


MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"

NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
ModelName = Annotated[str, Field(pattern=MODEL_NAME)]
Size = Annotated[int | None, BeforeValidator(_axis)]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
References = Annotated[str | list[str] | dict[str, Any], BeforeValidator(_references)]


class Table(BaseModel):
    """A table that accepts its own keys and coerces nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ComponentTable(Table):
    """A component by its name, and its arguments."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, hide_input_in_errors=True)

    type: str
    args: dict[str, Any] = Field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments, from beside `type` and from `args`."""
        return {**(self.model_extra or {}), **self.args}

    @model_validator(mode="after")
    def _each_argument_once(self) -> Self:
        twice = set(self.model_extra or {}) & set(self.args)
        if twice:
            raise bad_value(f"{', '.join(sorted(twice))} stands beside `type` and in `args` too")
        return self


class NamedComponent(ComponentTable):
    """A component that may have a name."""

    name: NodeName | None = None


class LossTable(NamedComponent):
    """A loss, and from where it takes what it needs."""

    needs: dict[str, str] = Field(default_factory=dict)


class MetricTable(LossTable):
    """A metric; with several outputs, `output` says of which."""

    output: str | None = None


class InputTable(Table):
    """One input of the model: its name, and its shape without the batch axis."""

    name: NodeName
    shape: list[Size]
    dtype: Annotated[str, _one_of(DTYPES)] | None = None


class LayerTable(ComponentTable):
    """One node: a layer and what it is called with."""

    type: str = ""
    name: NodeName | None = None
    inputs: References | None = None
    shared_with: str | None = None
    weights: str | None = None
    trainable: bool = True

    @model_validator(mode="after")
    def _own_layer_or_shared(self) -> Self:
        if not self.type and self.shared_with is None:
            raise PydanticCustomError("missing", "Field required")
        if self.shared_with is not None and (self.type or self.arguments or self.weights):
            raise bad_value(
                "a node with `shared_with` has no type, arguments or weights of its own"
            )
        return self


AnyComponent = Annotated[NamedComponent, BeforeValidator(_table_of_type)]
Logs = Annotated[list[Annotated[str, _one_of(LOGS)]], BeforeValidator(_one_or_several)]
Loss = Annotated[LossTable, BeforeValidator(_table_of_type)]
Metric = Annotated[MetricTable, BeforeValidator(_table_of_type)]


class TrainTable(Table):
    """How the model is trained.

    Attributes:
        epochs: How often the training data is gone through.
        batch_size: How many samples a step takes.
        seed: Seeds the initial weights, the shuffling and everything random in the layers.
        shuffle: Whether each epoch has an order of its own, which follows from the seed.
        loop: The training loop.
        precision: A Keras dtype policy.
        jit_compile: Whether XLA compiles the step.
        steps_per_execution: How many steps run between two looks from Python.
        strategy: How several devices or machines share each batch; None where one does it all.
        log: What is written of the training besides its history.
        callbacks: Keras callbacks.
    """

    epochs: Count = 1
    batch_size: Count = 32
    seed: Seed = 0
    shuffle: bool = True
    loop: AnyComponent = NamedComponent(type="fit")
    precision: Annotated[str, _one_of(PRECISIONS)] = "float32"
    jit_compile: Annotated[
        bool | Literal["auto", "measure"], BeforeValidator(_true_false_or_a_way)
    ] = "auto"
    steps_per_execution: Count = 1
    strategy: Annotated[str, _one_of(STRATEGIES)] | None = None
    log: Logs = Field(default_factory=list)
    callbacks: list[AnyComponent] = Field(default_factory=list)

    @model_validator(mode="after")
    def _what_a_strategy_can_do(self) -> Self:
        if self.strategy is None:
            return self
        name = f"`strategy = {as_written(self.strategy)}`"
        if self.jit_compile not in (False, "auto"):
            raise bad_value(f'{name} works without XLA: leave `jit_compile` at "auto", or false')
        if self.steps_per_execution > 1:
            raise bad_value(f"{name} works with `steps_per_execution = 1` alone")
        if self.loop.type not in ("fit", "zoo/fit"):
            raise bad_value(
                f"{name} brings its own loop: leave `loop` out; received {self.loop.type!r}"
            )
        return self


class Range(NamedTuple):
    """The numbers from `low` to `high`, both included; whole ones if both are."""

    low: float
    high: float
    log: bool = False


def _choices_or_range(value: Any) -> Any:
    if isinstance(value, list):
        if not value:
            raise bad_value("a list of values has at least one")
        return value
    if not isinstance(value, dict):
        raise wrong_type("give a list of values, or a range: { low = 0.001, high = 0.1 }")
    if not {"low", "high"} <= value.keys() <= {"low", "high", "log"}:
        raise bad_value(
            "a range has `low`, `high` and `log` alone; a dotted key is quoted: "
            '"train.batch_size" = [16, 32]'
        )
    low, high, log = value["low"], value["high"], value.get("log", False)
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not isinstance(log, bool):
        raise wrong_type("`low` and `high` are numbers, `log` is true or false")
    if not -math.inf < low < high < math.inf:
        raise bad_value(f"`low` is below `high`; received {low} and {high}")
    if log and low <= 0:
        raise bad_value(f"with `log`, `low` is above 0; received {low}")
    return Range(low, high, log)


class SweepTable(Table):
    """Which trainings `zoo sweep` makes of the config.

    Attributes:
        method: Every combination, random ones, or ones that learn from those before (Optuna's
            tree-structured Parzen estimator).
        trials: How many, where it is not every combination.
        metric: The last value of which metric decides.
        mode: Whether the smallest or the largest is best.
        seed: Decides what is drawn.
        values: What is tried, by dotted key of the config.
    """

    method: Annotated[str, _one_of(SWEEPS)] = "grid"
    trials: Count | None = None
    metric: str = "val_loss"
    mode: Annotated[str, _one_of(MODES)] = "min"
    seed: Seed = 0
    values: dict[str, Annotated[Any, BeforeValidator(_choices_or_range)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _as_many_as_the_method_says(self) -> Self:
        if self.method != "grid" and self.trials is None:
            raise bad_value(f'`method = "{self.method}"` needs `trials`, how many to draw')
        if self.method == "grid":
            if self.trials is not None:
                raise bad_value("a grid has as many trials as combinations: leave `trials` out")
            for key, choices in self.values.items():
                if isinstance(choices, Range):
                    raise bad_value(
                        f'a grid needs a list of values for "{key}"; a range needs '
                        '`method = "random"`'
                    )
        return self


class ModelConfig(Table):
    """A model config whose form is right; whether its names mean anything is not known yet."""

    zoo: int
    name: ModelName
    description: str = ""
    inputs: list[InputTable] = Field(min_length=1)
    layers: list[LayerTable] = Field(min_length=1, max_length=MAX_NODES)
    outputs: list[str] | None = Field(default=None, min_length=1)
    loss: Loss | None = None
    losses: dict[str, Loss] = Field(default_factory=dict)
    loss_weights: dict[str, float] = Field(default_factory=dict)
    metrics: list[Metric] = Field(default_factory=list)
    optimizer: AnyComponent = NamedComponent(type="Adam")
    data: Annotated[ComponentTable, BeforeValidator(_table_of_type)] | None = None
    train: TrainTable = TrainTable()
    evaluate: list[AnyComponent] = Field(default_factory=list)
    sweep: SweepTable | None = None

    @model_validator(mode="after")
    def _known_format_and_one_way_to_say_the_loss(self) -> Self:
        if self.zoo != 1:
            raise PydanticCustomError(
                "format", "this zoo reads format 1; received {zoo}", {"zoo": self.zoo}
            )
        if self.loss is not None and self.losses:
            raise PydanticCustomError("two_losses", "give [loss] or [losses.NAME], not both")
        return self
