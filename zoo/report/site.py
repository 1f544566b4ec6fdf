"""The gallery: a folder of pages of every version and every component, to open in a browser.

The pages work without a server and without scripts; search, filters and comparison need scripts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from zoo.components import MODELS, Component
from zoo.differences import flattened
from zoo.errors import StorageError, ZooError, in_one_line
from zoo.files import file_error, write_atomically
from zoo.progress import Steps, progress
from zoo.registry.document import Registry, WeightsEntry
from zoo.report.card import card, published
from zoo.report.graph_picture import Drawn, graph_svg
from zoo.report.markdown import markdown
from zoo.report.page import page
from zoo.report.templating import filled
from zoo.workspace import Workspace

MARKER = ".zoo-site"
"""The file by which a folder is known as one that `zoo site` wrote."""

_ITEM = re.compile(r"^ {4}(?=\*{0,2}\w+(?: \([^)\n]*\))?: )", re.MULTILINE)
"""How a line begins that says something of an argument."""

_SCRIPT = Path(__file__).parent / "templates" / "site.js"


@dataclass(frozen=True, slots=True)
class _Version:
    entry: WeightsEntry
    tags: tuple[str, ...]
    description: str
    config: Mapping[str, Any]
    page: str
    problem: str = ""

    @property
    def file(self) -> str:
        return f"versions/{_file(self.entry)}"


def write_site(folder: Path, workspace: Workspace) -> list[Path]:
    """Writes the gallery of a zoo.

    Every page is whole or not there; one that was stopped half-way is written again.

    Args:
        folder: A folder that is not there, is empty, or was written by this before; its pages
            are replaced, and those of versions that are gone removed.
        workspace: The zoo and the installed components.

    Returns:
        The pages.

    Raises:
        RegistryError: If there is no zoo, or its registry is damaged.
        StorageError: If the folder holds something else, or cannot be written.
    """
    registry = workspace.known_registry
    _refuse_others(folder)
    entries = list(_newest_first(registry))
    rows = [row for row in workspace.catalog.rows if row.kind != MODELS]
    with progress("reading", len(entries) + len(rows)) as done:
        components = [_component(row, workspace, done) for row in rows]
        known = {each["id"] for each in components}
        versions = [_version(entry, registry, workspace, known, done) for entry in entries]
    pages = {version.file: version.page for version in versions}
    pages["catalog.html"] = _catalog(registry, components)
    pages["compare.html"] = _compare(registry, versions)
    pages["index.html"] = _index(registry, versions)
    # The mark comes first: what is killed after it can be written again.
    write_atomically(folder / MARKER, b"Written by `zoo site`, which replaces what is here.\n")
    for name, text in pages.items():
        write_atomically(folder / name, text.encode())
    _remove_others(folder / "versions", {Path(name).name for name in pages})
    return [folder / name for name in pages]


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in folder.glob("*.html"):
        if path.name not in names:
            try:
                path.unlink()
            except OSError as error:
                raise file_error("remove", path, error) from error


def _refuse_others(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARKER).is_file()):
        raise StorageError(
            f"{folder} holds something that `zoo site` did not write",
            suggestion="name a new or an empty folder",
        )


def _newest_first(registry: Registry) -> Iterator[WeightsEntry]:
    for name in registry.names:
        yield from reversed(registry.versions(name))


def _file(entry: WeightsEntry) -> str:
    return f"{entry.name}-{entry.version}.html"


def _version(
    entry: WeightsEntry, registry: Registry, workspace: Workspace, known: set[str], done: Steps
) -> _Version:
    model = registry.model(entry.name)
    tags = tuple(model.tags) if model else ()
    description = model.description if model else ""
    nodes: list[Drawn] = []
    config: dict[str, Any] = {}
    problem = ""
    try:
        config, nodes = published(registry, entry, workspace)
        text = card(registry, entry, config, nodes)
    except (ZooError, OSError, ValueError) as error:  # one that is damaged hides no other
        problem = in_one_line(error)
        text = f"# {entry.reference}\n\n{description}"
    body = filled(
        "site_version.html",
        card=markdown(text),
        picture=graph_svg(nodes) if nodes else "",
        problem=problem,
        entry=entry,
        others=[(other, _file(other)) for other in registry.versions(entry.name)[::-1]],
        parent=next((e for e in registry.weights if e.reference == entry.parent), None),
        parts=[name for name in dict.fromkeys(node.type for node in nodes) if _id(name) in known],
    )
    whole = page(entry.reference, body)
    done()
    return _Version(entry, tags, description, flattened(config), whole, problem)


def _id(layer: str) -> str:
    return f"layers/{layer}"


def _index(registry: Registry, versions: list[_Version]) -> str:
    metrics = sorted({name for version in versions for name in version.entry.metrics})
    tags = sorted({tag for version in versions for tag in version.tags})
    without = [m for m in registry.models if not registry.versions(m.name)]
    body = filled(
        "site_index.html",
        versions=versions,
        metrics=metrics,
        tags=tags,
        without=without,
        title=registry.root.name,
    )
    return page(f"{registry.root.name}: models", body, script=_SCRIPT.read_text(encoding="utf-8"))


def _compare(registry: Registry, versions: list[_Version]) -> str:
    data = {
        version.entry.reference: {
            "file": version.file,
            "config": {
                key: json.dumps(value, ensure_ascii=False, default=str)
                for key, value in version.config.items()
            },
            "metrics": version.entry.metrics,
            "fingerprint": version.entry.fingerprint,
        }
        for version in versions
    }
    body = filled("site_compare.html", names=list(data))
    # Inside a script nothing may look like a tag.
    literal = json.dumps(data).replace("<", "\\u003c")
    script = f"const VERSIONS = {literal};\n{_SCRIPT.read_text(encoding='utf-8')}"
    return page(f"{registry.root.name}: compare", body, script=script)


def _catalog(registry: Registry, rows: list[dict[str, Any]]) -> str:
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    statuses = sorted({row["status"] for row in rows})
    body = filled("site_catalog.html", rows=rows, kinds=kinds, statuses=statuses)
    title = f"{registry.root.name}: components"
    return page(title, body, script=_SCRIPT.read_text(encoding="utf-8"))


def _component(row: Component, workspace: Workspace, done: Steps) -> dict[str, Any]:
    made = workspace.catalog.card(row)
    done()
    return {
        "id": f"{row.kind}/{row.qualified.removeprefix('zoo/')}",
        "kind": row.kind,
        "name": row.name,
        "owner": f"{row.distribution} {row.version}".strip(),
        "status": row.status,
        "reason": row.reason,
        "target": row.target,
        "source": _within(made.source, row.target),
        "summary": made.summary,
        "arguments": made.arguments,
        "open": made.open,
        "unknown": made.unknown,
        "docstring": markdown(_listed(made.docstring)),
    }


def _listed(docstring: str) -> str:
    """Makes a list of what a docstring says of each argument, outside of its code."""
    parts = docstring.split("```")
    return "```".join(p if number % 2 else _ITEM.sub("- ", p) for number, p in enumerate(parts))


def _within(source: str, target: str) -> str:
    """Gives a source's place from its package on: where that lies is this machine's business."""
    package = target.partition(":")[0].partition(".")[0]
    text = PurePath(source).as_posix() if source else ""
    _, found, rest = text.rpartition(f"/{package}/")
    return f"{package}/{rest}" if found else text.rpartition("/")[2]
