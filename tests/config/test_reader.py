"""TOML text to plain data: what is hostile or broken is refused where it stands."""

from pathlib import Path

import pytest

from zoo.config.reader import (
    MAX_BYTES,
    MAX_KEY_PARTS,
    MAX_NESTING,
    parse_toml,
    plain_data_findings,
    read_toml,
)
from zoo.errors import ConfigError, Finding, StorageError


def _refused(text: str) -> Finding:
    with pytest.raises(ConfigError) as info:
        parse_toml(text, file="m.toml")
    (finding,) = info.value.findings
    return finding


def test_a_file_is_read_into_plain_data(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text('a = 1\n[b]\nc = ["é", 1.5]\n', encoding="utf-8")
    assert read_toml(tmp_path / "m.toml") == {"a": 1, "b": {"c": ["é", 1.5]}}


def test_a_file_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"there is no file .*gone\.toml"):
        read_toml(tmp_path / "gone.toml")


def test_a_file_above_the_limit_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError) as info:
        read_toml(tmp_path / "m.toml")
    assert info.value.findings[0].code == "too-large"
    assert "m.toml has 4,194,305 bytes; at most 4,194,304 are read" in str(info.value)


def test_a_byte_that_is_not_utf8_is_shown_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b'a = 1\nb = "\xff"\n')
    with pytest.raises(ConfigError) as info:
        read_toml(tmp_path / "m.toml")
    assert str(info.value) == (
        f"error[syntax]: byte 0xff is not UTF-8\n  --> {tmp_path / 'm.toml'}:2:6\n"
        "  = save the file as UTF-8"
    )


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a = = 1\n", 1, 5),
        ("a = 1\na = 2\n", 2, 6),
        ("[train]\nx = 1\n[train]\n", 3, 7),
        ('a = 1\nb = "open\n', 2, 10),
        ("a = 1\r", 1, 6),
        ('a = 1\nb = """open', 2, 12),
    ],
)
def test_a_syntax_error_has_line_and_column(text: str, line: int, column: int) -> None:
    finding = _refused(text)
    assert (finding.code, finding.file) == ("syntax", "m.toml")
    assert (finding.line, finding.column) == (line, column)
    assert finding.message.startswith("this is not TOML: ")
    assert "(at " not in finding.message


def test_the_line_of_a_syntax_error_is_shown_as_it_stands_without_its_end() -> None:
    assert _refused("a = 1\nb = \t\r\nc = 2\n").excerpt == "b = \t"


def test_a_number_with_more_digits_than_python_reads_is_a_syntax_error_without_a_place() -> None:
    finding = _refused("a = " + "9" * 5000)
    assert finding.code == "syntax"
    assert finding.message.startswith("this is not TOML: Exceeds the limit (4300 digits)")
    assert finding.line is None


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_brackets_may_nest_up_to_the_limit_and_no_deeper(brackets: str) -> None:
    inner = "x = 1" if brackets == "{}" else "1"
    opening = "{a = " if brackets == "{}" else "["

    def text(depth: int) -> str:
        return f"v = {opening * (depth - 1)}{brackets[0]}{inner}{brackets[1] * depth}"

    assert parse_toml(text(MAX_NESTING))
    finding = _refused(text(MAX_NESTING + 1))
    assert finding.code == "too-large"
    assert finding.message == f"brackets nest deeper than {MAX_NESTING} levels"
    assert (finding.line, finding.column) == (1, 5 + len(opening) * MAX_NESTING)


@pytest.mark.parametrize("template", ["{} = 1", "[{}]", "x = {{ {} = 1 }}"])
def test_a_dotted_key_may_go_only_so_deep(template: str) -> None:
    assert parse_toml(template.format(".".join("a" * MAX_KEY_PARTS)))
    finding = _refused("\n" + template.format(".".join("a" * (MAX_KEY_PARTS + 1))))
    assert finding.code == "too-large"
    assert finding.message == f"a dotted key goes deeper than {MAX_KEY_PARTS} levels"
    assert finding.line == 2


def test_brackets_and_dots_in_strings_and_comments_do_not_count() -> None:
    many = "[" * 100 + "." * 100
    quoted = [f'"{many}"', f"'{many}'", f'"""{many}\n{many}"""', f"'''{many}'''"]
    text = f"# {many}\n" + "".join(
        f"{key} = {text}\n" for key, text in zip("abcd", quoted, strict=True)
    )
    assert parse_toml(text)["a"] == many


def test_many_numbers_with_points_are_no_deep_key() -> None:
    assert len(parse_toml(f"a = [{', '.join(['1.5'] * 100)}]")["a"]) == 100


def test_many_lists_beside_each_other_are_no_deep_nesting() -> None:
    lists, deep = ", ".join(["[[], {}]"] * 100), "[" * MAX_NESTING + "]" * MAX_NESTING
    assert len(parse_toml(f"a = [{lists}]\nb = {deep}\n")["a"]) == 100


def test_closing_too_often_is_a_syntax_error_and_nothing_worse() -> None:
    assert _refused("a = ]]]]").code == "syntax"


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        (float("nan"), "bad-value", "a.b.1 is nan; only finite numbers are accepted"),
        (float("-inf"), "bad-value", "a.b.1 is -inf; only finite numbers are accepted"),
        (2**63, "bad-value", "a.b.1 does not fit into 64 bits"),
        (-(2**63) - 1, "bad-value", "a.b.1 does not fit into 64 bits"),
    ],
)
def test_numbers_that_are_not_finite_or_too_long_are_found(
    value: float, code: str, message: str
) -> None:
    (finding,) = plain_data_findings({"a": {"b": [1, value]}}, "m.toml")
    assert finding == Finding(code, message, "m.toml", key="a.b.1")


@pytest.mark.parametrize("text", ["2026-01-01", "10:30:00", "2026-01-01T00:00:00Z"])
def test_dates_and_times_are_found(text: str) -> None:
    (finding,) = plain_data_findings(parse_toml(f"when = {text}"))
    assert finding.code == "wrong-type"
    assert finding.message == "when is a date or time; write it as a string"


def test_what_a_config_can_say_is_found_nowhere() -> None:
    data = {"a": [1, 2.5, "x", True, {"b": []}], "c": 2**63 - 1, "d": -(2**63)}
    assert list(plain_data_findings(data)) == []


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a = four", 1, "a string needs quotes"),
        ("a = ", 1, "a value is a string in quotes, a number, true, false, a list or a table"),
        ("\ufeffa = 1", 1, "save the file as UTF-8 without a byte order mark"),
        ('a = "x\nb = 1', 1, "close the string with a quote"),
        ("a = True", 1, "write true"),
        ("a = [1, False]", 1, "write false"),
        ("a = none", 1, "TOML has no word for nothing: leave the key out"),
        ("shape = [None, 3]", 1, 'write "any" for an axis whose size may differ'),
        ("a = [1, 2", 1, "close the list with ]"),
        ("a = [1, 2\nb = 1", 2, "a comma or ] is missing before this"),
        ("a = [1 2]", 1, "a comma or ] is missing before this"),
        ("a = { b = 1 c = 2 }", 1, "a comma or } is missing before this"),
        ("a = {\n b = 2 }", 1, "a table in braces stands on one line, without a comma at its end"),
        ("a = { b = 1\n}", 1, "close the table with } on this line"),
        ("a = 1\na = 2", 2, "this key stands there twice"),
        ("[a]\n[b]\n[a]\n", 3, "this table stands there twice: put its keys together"),
        ("[[inputs]]\n[inputs]\n", 2, "write [[inputs]] above each item"),
        ("[inputs]\n[[inputs]]\n", 2, "write [[inputs]] above each item"),
        ("[[train.callbacks]]\n[train.callbacks]", 2, "write [[train.callbacks]] above each item"),
        ("[[inputs]\n", 1, "close it with ]]"),
        ("[train\n", 1, "close it with ]"),
        ('a = "C:\\data"', 1, 'write "\\\\" for a backslash, or the whole string in single quotes'),
        ("just words", 1, 'a line is `key = value`, "[table]" or a comment'),
    ],
)
def test_what_the_parser_stumbles_over_comes_with_a_remedy(text: str, line: int, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml(text)
    (finding,) = caught.value.findings
    assert (finding.code, finding.line, finding.suggestion) == ("syntax", line, hint)


def test_a_dotted_table_is_shown_as_it_is_written() -> None:
    with pytest.raises(ConfigError, match=r"Cannot declare a\.b twice"):
        parse_toml("[a.b]\n[a.b]\n")


def test_only_line_feeds_end_a_line() -> None:
    """A next-line character or a separator in a comment moves no line number."""
    with pytest.raises(ConfigError) as caught:
        parse_toml("# one\u2028two \x85 three\r\na = 1\r\nb = = 2\r\n")
    (finding,) = caught.value.findings
    assert (finding.line, finding.excerpt) == (3, "b = = 2")
