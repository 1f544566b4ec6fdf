"""Argument cards: what is known of a component without importing it."""

from dataclasses import asdict, dataclass
from typing import Any

BOOLEAN, INTEGER, NUMBER, STRING, LIST, TABLE = (
    "boolean",
    "integer",
    "number",
    "string",
    "list",
    "table",
)
"""The types of TOML values that an argument may take; a number may be an integer."""


Types = tuple[str, ...]


def accepts(types: Types, value: Any) -> bool:
    """Tells whether a plain value is of one of some types; of none means of any.

    An integer is a number, and nothing else is taken for what it is not.
    """
    if not types:
        return True
    if isinstance(value, bool):
        return BOOLEAN in types
    if isinstance(value, int):
        return INTEGER in types or NUMBER in types
    for known, kind in ((float, NUMBER), (str, STRING), (list | tuple, LIST), (dict, TABLE)):
        if isinstance(value, known):
            return kind in types
    return True


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a component.

    Attributes:
        name: Its name.
        default: The default as the source writes it; None where there is none.
        required: Whether it has to be given.
        types: What its value may be, of `BOOLEAN` to `TABLE`; empty where that is not certain.
        choices: The strings that are accepted; empty where that is not certain.
        kind: The kind of component that it takes; None for plain values.
        positional: Whether it may be given by its position.
        doc: What the docstring says of it.
    """

    name: str
    default: str | None = None
    required: bool = False
    types: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    kind: str | None = None
    positional: bool = False
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of what is called with tensors: a layer, a loss, a metric.

    Attributes:
        name: Its name.
        required: Whether it has no default.
        positional: Whether it may be given by its position.
    """

    name: str
    required: bool = True
    positional: bool = True


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a component.

    Attributes:
        arguments: Its arguments, in the order of the signature.
        open: Whether it takes arguments that the source does not name.
        is_class: Whether it is a class rather than a function.
        base: What the class is for Keras: `Layer`, `Loss`, `Metric`, `Optimizer`, `Callback`, or
            nothing.
        call: The parameters of a layer's or loss's `call`, a metric's `update_state`, or the
            function; None where they are not known.
        called_as_keras: Whether Keras itself wrote what is called, which then asks for nothing
            that Keras does not pass.
        summary: The first line of its docstring.
        docstring: The docstring.
        source: Where it is defined, as `file:line`; empty where that is not known.
        unknown: Why its arguments are not known; empty where they are.
    """

    arguments: tuple[Argument, ...] = ()
    open: bool = False
    is_class: bool = False
    base: str = ""
    call: tuple[Parameter, ...] | None = None
    called_as_keras: bool = False
    summary: str = ""
    docstring: str = ""
    source: str = ""
    unknown: str = ""

    def argument(self, name: str) -> Argument | None:
        """Gives one argument by its name."""
        return next((argument for argument in self.arguments if argument.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Gives the card as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Card":
        """Makes the card that `to_json` gave the data of."""
        arguments = [
            Argument(**{**item, "types": tuple(item["types"]), "choices": tuple(item["choices"])})
            for item in data["arguments"]
        ]
        call = data["call"]
        return cls(
            **{
                **data,
                "arguments": tuple(arguments),
                "call": None if call is None else tuple(Parameter(**item) for item in call),
            }
        )
