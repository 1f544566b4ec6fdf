"""Links that leave `docs/`: in the site they lead to pages under `source/`.

A page of Markdown is taken over as it is, another text becomes a page that shows it, and a folder
one that shows every text in it. What such pages link to follows.
"""

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = "source"
"""Where in the site the files of the checkout are."""

ALWAYS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "examples/README.md")
"""What the navigation names."""

_LINK = re.compile(r"(?<=\]\()([^)\s#]+)(#[^)\s]*)?(?=\))")
_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LANGUAGES = {".toml": "toml", ".py": "python"}


def files_outside(root: Path) -> dict[str, str]:
    """Gives the pages for all that the documentation links to outside of `docs/`."""
    docs = [str(path.relative_to(root)) for path in (root / "docs").rglob("*.md")]
    ahead = [*ALWAYS, *(target for page in docs for target in _targets(page, root))]
    pages: dict[str, str] = {}
    while ahead:
        target = ahead.pop()
        name = _page_of(target, root)
        if name in pages or target.startswith("docs/"):
            continue
        pages[name] = _text_of(target, root)
        if target.endswith(".md"):
            ahead += _targets(target, root)
    return pages


def with_links_of_the_site(markdown: str, page: str, root: Path) -> str:
    """Rewrites the links of a page of the site.

    Args:
        markdown: The page's text.
        page: Its path in the site's sources.
        root: The checkout.
    """
    inside = page.startswith(f"{FOLDER}/")
    origin = page.removeprefix(f"{FOLDER}/") if inside else f"docs/{page}"

    def rewritten(match: re.Match[str]) -> str:
        target = _resolved(match[1], origin)
        if ":" in match[1] or not (root / target).exists():
            return match[0]
        where = _page_of(target, root)
        return posixpath.relpath(where, posixpath.dirname(page)) + (match[2] or "")

    parts = _FENCED.split(markdown)
    return "".join(p if p.lstrip().startswith("```") else _LINK.sub(rewritten, p) for p in parts)


def _targets(page: str, root: Path) -> Iterator[str]:
    text = _FENCED.sub("", (root / page).read_text(encoding="utf-8"))
    for link, _ in _LINK.findall(text):
        target = _resolved(link, page)
        if ":" not in link and (root / target).exists():
            yield target


def _resolved(link: str, origin: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def _page_of(target: str, root: Path) -> str:
    if target.startswith("docs/"):
        return target.removeprefix("docs/").replace(".ipynb", ".md")
    if target.endswith(".md"):
        return f"{FOLDER}/{target}"
    return f"{FOLDER}/{target}/index.md" if (root / target).is_dir() else f"{FOLDER}/{target}.md"


def _text_of(target: str, root: Path) -> str:
    path = root / target
    if target.endswith(".md"):
        return path.read_text(encoding="utf-8")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    shown = "\n".join(_shown(file) for file in files if file.suffix in (*_LANGUAGES, "", ".txt"))
    title = os.fspath(target)
    return f"---\nsearch:\n  exclude: true\n---\n# `{title}`\n\n{shown}"


def _shown(file: Path) -> str:
    language = _LANGUAGES.get(file.suffix, "text")
    return f'```{language} title="{file.name}"\n{file.read_text(encoding="utf-8").rstrip()}\n```\n'
