"""The tree of errors, and how a finding is worded."""

import pytest

from zoo.errors import (
    CLASS_OF_CODE,
    ConfigError,
    Finding,
    PluginError,
    RegistryError,
    RunError,
    Stopped,
    StorageError,
    ZooError,
    as_written,
    error_of,
    in_one_line,
)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (ZooError, 1, "defect"),
        (ConfigError, 2, "bad-value"),
        (RegistryError, 3, "bad-registry"),
        (StorageError, 4, "storage"),
        (PluginError, 5, "plugin-broken"),
        (RunError, 6, "bad-data"),
    ],
)
def test_each_error_has_its_exit_status_and_code(
    kind: type[ZooError], status: int, code: str
) -> None:
    error = kind("it is wrong")
    assert error.exit_status == status
    assert error.findings == (Finding(code, "it is wrong"),)
    assert isinstance(error, ZooError)


@pytest.mark.parametrize(("number", "status"), [(2, 130), (15, 143)])
def test_a_stop_exits_as_shells_have_it(number: int, status: int) -> None:
    error = Stopped("stopped in epoch 3", number, suggestion="go on with --resume")
    assert error.exit_status == status
    assert str(error) == "error[stopped]: stopped in epoch 3\n  = go on with --resume"


def test_a_finding_shows_code_message_place_and_remedy() -> None:
    finding = Finding(
        "unknown-key", "no key is called x", "m.toml", 3, 7, "train.x", 'did you mean "y"?'
    )
    assert str(finding) == (
        'error[unknown-key]: no key is called x\n  --> m.toml:3:7 train.x\n  = did you mean "y"?'
    )


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding("syntax", "broken"), "error[syntax]: broken"),
        (Finding("syntax", "broken", "m.toml"), "error[syntax]: broken\n  --> m.toml"),
        (Finding("syntax", "broken", key="a.b"), "error[syntax]: broken\n  --> a.b"),
        (
            Finding("unreachable-node", "unused", severity="warning"),
            "warning[unreachable-node]: unused",
        ),
    ],
)
def test_what_a_finding_does_not_know_leaves_no_gap(finding: Finding, text: str) -> None:
    assert str(finding) == text


def test_a_finding_in_json_has_the_keys_of_the_contract() -> None:
    assert Finding("syntax", "broken").to_json() == {
        "code": "syntax",
        "message": "broken",
        "file": None,
        "line": None,
        "column": None,
        "key": None,
        "suggestion": None,
        "severity": "error",
        "excerpt": None,
        "width": 1,
    }


def test_a_place_that_is_known_is_not_overwritten() -> None:
    error = ConfigError("wrong", key="train.seed")
    assert error.located(file="outer.toml", key="train") is error
    assert error.findings[0].key == "train.seed"
    assert error.findings[0].file == "outer.toml"
    error.located(file="other.toml")
    assert error.findings[0].file == "outer.toml"


def test_an_error_of_several_findings_shows_them_all() -> None:
    error = ConfigError.of([Finding("syntax", "first"), Finding("cycle", "second")])
    assert str(error) == "error[syntax]: first\nerror[cycle]: second"


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (["unknown-key"], ConfigError),
        (["plugin-broken"], PluginError),
        (["plugin-broken", "unknown-key"], ConfigError),
        (["hash-mismatch", "plugin-missing"], RegistryError),
        (["storage"], StorageError),
        (["not-finite"], RunError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else " and ".join(value),
)
def test_the_findings_decide_the_exit_status(codes: list[str], kind: type[ZooError]) -> None:
    assert type(error_of([Finding(code, "wrong") for code in codes])) is kind


def test_every_listed_code_belongs_to_a_class_other_than_the_default() -> None:
    assert ConfigError not in CLASS_OF_CODE.values()


def test_a_foreign_error_is_worded_in_one_line() -> None:
    assert in_one_line(ValueError("two\n   lines")) == "two lines"


def test_of_a_traced_error_only_what_it_ends_in_is_shown() -> None:
    error = ValueError('in user code:\n\n  File "x.py", line 3\n    ValueError: too\n    small\n')
    assert in_one_line(error) == "too small"


def test_of_an_error_in_a_graph_the_cause_is_shown_and_not_the_way_to_it() -> None:
    way = "Graph execution error:\n\nDetected at node loss/Sparse defined at (most recent call "
    way += 'last):\n  File "a.py", line 5, in <module>\n\n  File "b.py", line 1, in call\n\n'
    cause = "Received a label value of 2.\n\t [[{{node loss/Sparse}}]] [Op:__inference_210]"
    assert in_one_line(ValueError(way + cause)) == "Received a label value of 2."
    unknown = "Detected at node x defined at (most recent call last):\n<stack traces unavailable>\n"
    assert in_one_line(ValueError(unknown + cause)) == "Received a label value of 2."


def test_an_error_in_a_graph_without_a_cause_is_shown_as_it_is() -> None:
    assert in_one_line(ValueError("Detected at node x")) == "Detected at node x"


def test_a_foreign_error_is_cut_at_the_limit() -> None:
    assert in_one_line(ValueError("abcdef"), limit=3) == "abc ..."
    assert in_one_line(ValueError("abc"), limit=3) == "abc"


def test_control_characters_are_escaped_wherever_they_come_from() -> None:
    finding = Finding("x", "a\x1b[31m\nb", "m.toml", 1, 3, suggestion="\u202ec", excerpt="\x07 b")
    lines = str(finding).splitlines()
    assert lines[0] == r"error[x]: a\x1b[31m\nb"
    assert lines[2] == r"1 | \x07 b"
    assert lines[3] == r"  |      ^ \u202ec"
    assert str(Finding("x", "m", key="a\x1b")).endswith(r"--> a\x1b")


def test_tabs_stay_tabs_and_the_caret_below_its_text() -> None:
    finding = Finding("x", "m", "m.toml", 1, 2, excerpt="\ta", width=1)
    assert str(finding).splitlines()[2:] == ["1 | \ta", "  | \t^"]


def test_what_nobody_would_read_to_its_end_is_cut() -> None:
    long = "x" * 1_000_000
    finding = Finding("x", long, "m.toml", 1, 1, long, long, excerpt=long, width=9)
    assert len(str(finding)) < 10_000
    assert finding.to_json()["excerpt"] is None
    assert len(str(finding.to_json())) < 10_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (True, "true"),
        (1.0, "1.0"),
        ([1, "é"], '[1, "é"]'),
        ("\x1b", r'"\u001b"'),
        (object, "\"<class 'object'>\""),
    ],
)
def test_a_value_is_worded_as_toml_writes_it(value: object, text: str) -> None:
    assert as_written(value) == text
    assert len(as_written("x" * 500)) < 100


def test_what_is_as_long_as_may_be_is_shown_whole() -> None:
    assert as_written("x" * 78) == f'"{"x" * 78}"'
    assert as_written("x" * 79) == f'"{"x" * 79}...'
    assert str(Finding("x", "m" * 2000)) == f"error[x]: {'m' * 2000}"
    assert str(Finding("x", "m" * 2001)) == f"error[x]: {'m' * 2000} ..."
    assert Finding("x", "m", excerpt="e" * 240).to_json()["excerpt"] == "e" * 240
    assert Finding("x", "m", excerpt="e" * 241).to_json()["excerpt"] is None


def test_the_caret_stands_below_wide_and_combining_characters() -> None:
    excerpt = 'e\u0301 = "\u65e5\u672c\u8a9e"'
    finding = Finding("x", "y", "m.toml", 1, 6, excerpt=excerpt, width=5)
    # One column for the letter with its accent, two for each of the three signs.
    assert str(finding).splitlines()[-1] == "  | " + " " * 4 + "^" * 8
