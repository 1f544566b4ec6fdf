"""The blocks of code of the documentation, and what the comments above them say that they are.

A mark is an HTML comment on the line above a fence, or on several: `<!-- run -->`,
`<!-- file: model.toml -->`. What each means stands in `MARKS`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "examples/*.md", "plugins/*/README.md")
    for path in ROOT.glob(pattern)
)
LANGUAGES = ("toml", "python", "sh", "console", "text", "json")
MARKS = {
    "run": "sh, python: is run where it stands in the page; `run: exit 2` says how it ends",
    "output": "text: its lines are among what the block above printed; `...` is anything",
    "file": "any: the file of that name, written where the page has got to",
    "add to": "any: is added to the end of that file",
    "change in": "toml: its top-level keys and tables replace those of that file",
    "entry points": "toml: a pyproject.toml, or a part of one, that registers the page's parts",
    "sample": "text: what a bad config of tests/samples gives",
    "wrong": "toml: a whole config that `zoo check` refuses with that code",
    "tree": "text: the first words of its lines are files and folders of the checkout",
    "tested by": "any: the file of a test that runs or compares it",
    "not run": "python: why no test can run it; what it names is looked up all the same",
    "not compared": "text, console: why no test can compare it with what is printed",
    "begins with": "a page that is run: files and folders of the checkout that it finds there",
}
"""Every mark, with the languages it is for."""

_COMMENT = re.compile(r"<!-- (?P<word>[a-z ]+)(?:: (?P<value>.*?))? -->$")
_FENCE = re.compile(r"(?P<margin> *)(?P<ticks>`{3,})(?P<language>\S*)(?P<rest>.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block with its marks; `line` is where its fence opens."""

    page: str
    line: int
    language: str
    text: str
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    """The text of a page, by its path in the checkout."""
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def parsed(page: str) -> tuple[tuple[Block, ...], tuple[tuple[int, str], ...], str]:
    """The blocks of a page, the marks that are above none, and the text without the blocks."""
    found, stray, prose = [], [], []
    marks: dict[str, str] = {}
    begun = 0
    lines = enumerate(read(page).splitlines(), start=1)
    for number, line in lines:
        if comment := _COMMENT.match(line.strip()):
            begun = begun if marks else number
            marks[comment["word"]] = comment["value"] or ""
        elif fence := _FENCE.match(line):
            margin, place = len(fence["margin"]), f"{page}:{number}"
            text = "".join(f"{x[margin:]}\n" for x in _until_the_end(lines, fence["ticks"], place))
            found.append(Block(page, number, fence["language"], text, marks))
            marks = {}
            continue
        else:
            stray += [(begun, word) for word in marks]
            marks = {}
        prose.append(line)
    return tuple(found), tuple(stray), "\n".join(prose)


def _until_the_end(lines: Iterator[tuple[int, str]], ticks: str, place: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == ticks:
            return
        yield line
    raise ValueError(f"{place}: the fence is never closed")


def blocks(page: str) -> tuple[Block, ...]:
    """The blocks of a page, in their order."""
    return parsed(page)[0]


def prose(page: str) -> str:
    """A page without its blocks."""
    return parsed(page)[2]


def spans(page: str) -> list[str]:
    """What stands between backticks in the text of a page."""
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", prose(page))]


def is_run(page: str) -> bool:
    """Whether a page has blocks that are run one after the other."""
    return any("run" in block.marks for block in blocks(page))


def is_whole_config(block: Block) -> bool:
    """Whether a block is a model config from its first line to its last."""
    return block.language == "toml" and re.search(r"^zoo = ", block.text, re.M) is not None


def lines_not_printed(shown: str, printed: str) -> list[str]:
    """The lines of an output block that what was printed does not have, in that order.

    `...` in a line stands for anything, a line of `...` alone for any lines.
    """
    rest = iter([line.rstrip() for line in printed.splitlines()])
    missing = []
    for line in (line.rstrip() for line in shown.splitlines()):
        if line.strip() in ("", "..."):
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split("..."))))
        if not any(pattern.fullmatch(real) for real in rest):
            missing.append(line)
            rest = iter([line.rstrip() for line in printed.splitlines()])
    return missing
