"""The type of an argument and what is said of it, from its annotation or the docstring."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.catalog.cards import Card, accepts

CardOf = Callable[..., Card]


@pytest.mark.parametrize(
    ("annotation", "types", "choices"),
    [
        ("int", ["integer"], []),
        ("bool", ["boolean"], []),
        ("float | None", ["number"], []),
        ("'int | str'", ["integer", "string"], []),
        ("typing.Optional[str]", ["string"], []),
        ("Union[int, list[int]]", ["integer", "list"], []),
        ("Sequence[float]", ["list"], []),
        ("tuple[int, ...]", ["list"], []),
        ("Mapping[str, int]", ["table"], []),
        ("Literal['a', 'b']", ["string"], ["a", "b"]),
        ("Literal['a', 'b'] | None", ["string"], ["a", "b"]),
        ("Literal['a'] | str", ["string"], []),
        ("Literal['a'] | int", [], []),
        ("Literal[1, 2]", ["integer"], []),
        ("Literal[True]", ["boolean"], []),
        ("Literal[SOME]", [], []),
        ("Annotated[int, 'more']", ["integer"], []),
        ("os.PathLike", ["string"], []),
        ("np.ndarray", [], []),
        ("int | np.ndarray", [], []),
        ("Any", [], []),
        ("'not an (annotation'", [], []),
        ("Callable[[int], int]", [], []),
    ],
    ids=str,
)
def test_an_annotation_tells_the_type_and_what_is_not_certain_is_unknown(
    card: CardOf, annotation: str, types: list[str], choices: list[str]
) -> None:
    (argument,) = card(f"def X(a: {annotation}): ...", "datasets").arguments
    assert (list(argument.types), list(argument.choices)) == (types, choices)


@pytest.mark.parametrize(
    ("doc", "default", "types"),
    [
        ("Integer, the number of them.", None, ["integer"]),
        ("Positive integer.", "3", ["integer"]),
        ("A Python int.", "3", ["integer"]),
        ("Integer, the number of them.", "1.5", []),
        ("int or tuple/list of 2 integers, the size.", "(1, 1)", ["integer", "list"]),
        ("Int, or tuple of 2 ints, or tuple of 2 tuples of 2 ints.", "1", ["integer", "list"]),
        ("Integer, tuple of integers, or None.", "None", ["integer", "list"]),
        ("Float between 0 and 1.", "0.5", ["number"]),
        ("float, at most 1.", "1", ["number"]),
        ("Float. If a tuple is given, it is a range.", "0.5", []),
        ("A float, a schedule instance, or a callable.", "0.1", []),
        ("A float value or a constant float tensor.", "0.1", []),
        ("Optional integer. The seed.", "None", ["integer"]),
        ("(Optional) String name of it.", "None", ["string"]),
        ("String, or `None`.", "None", ["string"]),
        ("String or array.", "None", []),
        ("A list of strings.", "None", ["list"]),
        ("String, one of the strings above.", "None", ["string"]),
        ("Boolean, whether to do it.", "True", ["boolean"]),
        ('Boolean or `"auto"`.', "True", []),
        ("Whether to do it.", "False", ["boolean"]),
        ("If `True`, it is done.", "False", ["boolean"]),
        ("Whether to do it.", "'auto'", []),
        ("Number of steps.", "3", []),
        ("Either a string or a list.", "None", []),
        ("integer, set to `[0, 1]` for two.", "0", []),
        ("Dictionary of names.", "None", ["table"]),
        ("", "3", []),
    ],
    ids=str,
)
def test_a_docstring_tells_the_type_and_what_is_not_certain_is_unknown(
    card: CardOf, doc: str, default: str | None, types: list[str]
) -> None:
    default = f"={default}" if default else ""
    found = card(
        f'def X(a{default}):\n    """Do.\n\n    Args:\n        a: {doc}\n    """', "datasets"
    )
    assert list(found.arguments[0].types) == types


def test_a_type_in_parentheses_is_read_like_an_annotation(card: CardOf) -> None:
    found = card(
        'def X(a=None):\n    """Do.\n\n    Args:\n        a (int, optional): The A.\n    """'
    )
    assert (found.arguments[0].types, found.arguments[0].doc) == (("integer",), "The A.")


def test_an_entry_goes_on_over_lines_and_ends_where_the_section_ends(card: CardOf) -> None:
    found = card(
        'class X:\n    """Do.\n\n    Args:\n        a: Integer,\n            of some\n'
        "                size.\n        **kwargs: More.\n\n    Returns:\n        b: Not one.\n    "
        '"""\n    def __init__(self, a, b): ...'
    )
    assert [a.doc for a in found.arguments] == ["Integer, of some size.", ""]


def test_an_argument_of_the_base_is_described_by_the_base_or_the_constructor(card: CardOf) -> None:
    found = card(
        "class Base:\n    def __init__(self, depth, colour):\n"
        '        """Make.\n\n        Args:\n            depth: Integer.\n        """\n'
        'class X(Base):\n    """X.\n\n    Args:\n        colour: String.\n    """\n'
        "    def __init__(self, **kwargs): super().__init__(**kwargs)"
    )
    assert [a.types for a in found.arguments] == [("integer",), ("string",)]


def test_an_argument_that_takes_a_component_says_of_which_kind_and_has_no_type(
    card: CardOf,
) -> None:
    found = card("def X(kernel_regularizer: str = 'l2', layers: list = ()): ...")
    assert [(a.kind, a.types) for a in found.arguments] == [("regularizers", ()), ("layers", ())]


@pytest.mark.parametrize(
    ("types", "value", "accepted"),
    [
        ((), "anything", True),
        (("integer",), 3, True),
        (("integer",), 3.0, False),
        (("integer",), True, False),
        (("number",), 3, True),
        (("number",), 3.5, True),
        (("number",), False, False),
        (("boolean",), True, True),
        (("boolean",), 1, False),
        (("string",), "a", True),
        (("string",), 1, False),
        (("list",), [1], True),
        (("integer", "list"), "a", False),
        (("table",), {"a": 1}, True),
        (("string",), {"a": 1}, False),
        (("string",), b"bytes", True),
    ],
    ids=str,
)
def test_a_value_is_of_a_type_or_not_and_only_an_integer_is_a_number_too(
    types: tuple[str, ...], value: Any, accepted: bool
) -> None:
    assert accepts(types, value) is accepted
