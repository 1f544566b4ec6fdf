"""The page of error texts shows what the samples give, word for word."""

import re
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
SAMPLES = ROOT / "tests" / "samples" / "bad"
_BLOCK = re.compile(r"<!-- sample: ([\w-]+) -->\n```text\n(.*?)```", re.S)
SHOWN = {match[1]: match[2] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}

REMEDY = "to write the page anew: python tests/docs/test_errors_page.py"


def text_of(sample: str) -> str:
    text = (SAMPLES / f"{sample}.txt").read_text(encoding="utf-8")
    return text.replace("VERSION", zoo.__version__)


def rewrite() -> None:
    """Puts the samples' texts into the page; for a person, after a change of words."""
    page = PAGE.read_text(encoding="utf-8")

    def block(match: re.Match[str]) -> str:
        return f"<!-- sample: {match[1]} -->\n```text\n{text_of(match[1])}```"

    PAGE.write_text(_BLOCK.sub(block, page), encoding="utf-8")


@pytest.mark.parametrize("sample", SHOWN)
def test_the_page_shows_what_the_sample_gives(sample: str) -> None:
    assert SHOWN[sample] == text_of(sample), REMEDY


def printed_codes() -> set[str]:
    return set(re.findall(r"^(?:error|warning)\[([\w-]+)\]", "".join(SHOWN.values()), re.M))


def test_every_code_of_the_table_is_printed_by_a_sample_of_the_page() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| what is wrong |")[2].partition("\n\n")[0]
    listed = {
        span
        for row in table.splitlines()[2:]
        for span in re.findall(r"`([^`]+)`", row.split("|")[2])
    }
    assert listed == printed_codes()


def test_every_code_that_a_check_gives_is_on_the_page() -> None:
    config = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    table = config.partition("| code | found by | means |")[2].partition("\n\n")[0]
    rows = [row.split("|") for row in table.splitlines()[2:]]
    found_by_check = {
        code for row in rows if "check" in row[2] for code in re.findall(r"`([^`]+)`", row[1])
    }
    assert len(found_by_check) > 20
    assert found_by_check - printed_codes() == set()


def test_every_text_says_what_to_do() -> None:
    """A caret alone is no remedy: beside it stands one, or the message lists what there is."""
    for sample, text in SHOWN.items():
        for error in re.split(r"^(?=error\[|warning\[)", text, flags=re.M)[1:]:
            pointed = error.rstrip("\n").rpartition("^")[2].strip() if "^" in error else ""
            remedy = pointed or re.search(r"^  = .", error, re.M)
            lists = re.search(r"takes|expects", error.splitlines()[0])
            assert remedy or lists, (sample, error)


if __name__ == "__main__":
    rewrite()
