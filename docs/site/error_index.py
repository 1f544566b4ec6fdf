"""The index of error codes, from the tables and examples of two pages.

`docs/config.md` says what each code means and who finds it, `docs/errors.md` what to do, and shows
texts that samples and tests give. Tests hold both against the source, so none can be missing here.
"""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
HEAD = """# Error index

Every code that a message can begin with: `error[CODE]: ...`. The code is stable, the words may
get better. Each has an example as it is printed, what to do about it, and the exit status of a
command that ends with it. [How to read a message](../errors.md).

"""
_FINDING = re.compile(r"^(?:error|warning)\[([\w-]+)\]: .*\n(?:(?!error\[|warning\[).*\n)*", re.M)


def error_index() -> str:
    """Gives the page as Markdown."""
    meanings, remedies, examples = _meanings(), _remedies(), _examples()
    rows = [f"| [`{code}`](#{code}) | {means} |\n" for code, (_, means) in meanings.items()]
    table = "| code | means |\n|---|---|\n" + "".join(rows)
    sections = []
    for code, (found_by, means) in meanings.items():
        parts = [f"## {code}", f"{_sentence(means)} Found by: {found_by}. {_exit_status(code)}"]
        if code in examples:
            parts.append(f"```text\n{examples[code]}```")
        parts.append("\n".join(f"- {_sentence(remedy)}" for remedy in remedies.get(code, [])))
        sections.append("\n\n".join(parts))
    return HEAD + table + "\n" + "\n\n".join(sections) + "\n"


def _rows(page: str, first_cell: str) -> list[list[str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    tables = re.findall(rf"^\| {first_cell} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def _meanings() -> dict[str, tuple[str, str]]:
    found = {}
    for codes, found_by, means in _rows("config.md", "code"):
        for code in re.findall(r"`([^`]+)`", codes):
            found[code] = (found_by, _from_reference(means))
    return dict(sorted(found.items()))


def _remedies() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for what, codes, remedy in _rows("errors.md", "what is wrong"):
        for code in re.findall(r"`([^`]+)`", codes):
            found.setdefault(code, []).append(_from_reference(f"{what}: {remedy}", "errors.md"))
    return found


def _examples() -> dict[str, str]:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in re.findall(r"```text\n(.*?)```", text, re.S):
        for finding in _FINDING.finditer(block):
            found.setdefault(finding[1], finding[0])
    return found


def _from_reference(text: str, page: str = "config.md") -> str:
    """Links as they are seen from a folder beside the page they are taken from."""
    return re.sub(r"\]\((#?)", lambda m: f"](../{page}#" if m[1] else "](../", text)


def _sentence(text: str) -> str:
    start = 1 if text.startswith("[") else 0
    return f"{text[: start + 1].upper()}{text[start + 1 :].rstrip('.')}."


def _exit_status(code: str) -> str:
    from zoo.errors import Finding, Stopped, error_of

    if code == "stopped":
        return "Exit status 130 or 143."
    if code in ("unreachable-node", "not-stable"):
        return "A warning; the exit status stays 0."
    if code in ("training", "evaluation"):
        return "Exit status 6."
    assert code != Stopped.default_code
    return f"Exit status {error_of([Finding(code, code)]).exit_status}."
