"""The card of a published version: what it is, how good, how it was made, and how to load it."""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from zoo.digest import canonical_json, sha256
from zoo.registry.document import ModelEntry, Registry, WeightsEntry
from zoo.registry.places import place_of
from zoo.registry.tensors import read_metadata_of
from zoo.registry.verification import checked_config
from zoo.report.graph_picture import Drawn
from zoo.report.graph_table import drawn_nodes
from zoo.workspace import Workspace

_NOT_SAID = "Nobody has written any down: `limits` of the model in `registry.toml` is the place."


def card_of(registry: Registry, entry: WeightsEntry, workspace: Workspace) -> str:
    """Writes the card of a version as Markdown, without Keras.

    Args:
        registry: The zoo's registry.
        entry: The version.
        workspace: Where the components of its graph are looked for.

    Raises:
        RegistryError: If its config is not the one that was published.
        StorageError: If its config cannot be read.
    """
    return card(registry, entry, *published(registry, entry, workspace))


def published(
    registry: Registry, entry: WeightsEntry, workspace: Workspace
) -> tuple[dict[str, Any], list[Drawn]]:
    """Gives the config and the nodes of a version; see `card_of`."""
    path = checked_config(registry, entry)
    model = workspace.check(path).model
    nodes = drawn_nodes(model, _recorded_graph(registry, entry), workspace.catalog)
    return tomllib.loads(path.read_text(encoding="utf-8")), nodes


def _recorded_graph(registry: Registry, entry: WeightsEntry) -> dict[str, Any]:
    """Reads the graph that the weights keep; empty where they are not here or say another."""
    try:
        metadata = read_metadata_of(place_of(registry, entry.file, entry.sha256))
        graph = json.loads(metadata.get("graph", "{}"))
    except (OSError, ValueError):
        return {}
    # The whole file may be large; the fingerprint is enough to know that the graph is right.
    return graph if sha256(canonical_json(graph)) == entry.fingerprint else {}


def card(
    registry: Registry, entry: WeightsEntry, config: Mapping[str, Any], nodes: Sequence[Drawn]
) -> str:
    """Writes the card of a version from what is known of it; see `card_of`.

    Args:
        registry: The zoo's registry.
        entry: The version.
        config: The resolved config that made it.
        nodes: Its graph with shapes and parameters; empty where a plugin is missing, and the
            weights too.
    """
    model = registry.model(entry.name) or ModelEntry(name=entry.name, config=entry.config)
    sections = [
        ("", [_purpose(model, config), "", *_about(model, entry, nodes)]),
        ("Load it", _loading(entry, config)),
        ("Limits", [model.limits or _NOT_SAID]),
        ("Metrics", _metrics(entry, config)),
        ("Graph", _graph(nodes)),
        ("Data", _component(config.get("data"))),
        ("Training", _training(config)),
        ("Provenance", _provenance(entry)),
    ]
    lines = [f"# {entry.reference}", ""]
    for title, body in sections:
        lines += [f"## {title}", ""] if title else []
        lines += [*body, ""]
    return "\n".join(lines)


def _purpose(model: ModelEntry, config: Mapping[str, Any]) -> str:
    return model.description or str(config.get("description", ""))


def _about(model: ModelEntry, entry: WeightsEntry, nodes: Sequence[Drawn]) -> Iterator[str]:
    rows = {
        "status": entry.status,
        "licence": model.license or "not stated",
        "tags": ", ".join(model.tags),
        "published": f"{entry.created:%Y-%m-%d}",
        "parameters": _total(nodes),
        "size": f"{entry.size:,} bytes",
    }
    return _table(("", ""), ((name, value) for name, value in rows.items() if value))


def _total(nodes: Sequence[Drawn]) -> str:
    counts = [node.parameters.replace(",", "") for node in nodes if node.parameters]
    return f"{sum(map(int, counts)):,}" if counts and all(map(str.isdigit, counts)) else ""


def _loading(entry: WeightsEntry, config: Mapping[str, Any]) -> list[str]:
    names = [table["name"] for table in config.get("inputs", ())]
    given = ", ".join(f'"{name}": {name}' for name in names)
    x = f"{{{given}}}" if len(names) > 1 else "x"
    lines = ["import zoo", "", f'model = zoo.load("{entry.reference}")', f"y = model.predict({x})"]
    return ["```python", *lines, "```"]


def _metrics(entry: WeightsEntry, config: Mapping[str, Any]) -> Iterator[str]:
    if not entry.metrics:
        yield "None are recorded: these weights were not trained here."
        return
    train = config.get("train", {})
    yield f"Of the last epoch; seed {train.get('seed', 0)}."
    yield ""
    yield from _table(("metric", "value"), ((k, f"{v:.6g}") for k, v in entry.metrics.items()))


def _graph(nodes: Sequence[Drawn]) -> Iterator[str]:
    if not nodes:
        yield "Not known: a plugin that it is made of is missing, and its weights are not here."
        return
    rows = (
        (node.name, node.type, ", ".join(node.inputs), node.shape, node.parameters)
        for node in nodes
    )
    yield from _table(("node", "type", "inputs", "output", "parameters"), rows)


def _component(table: Mapping[str, Any] | None) -> Iterator[str]:
    if table is None:
        yield "None is named."
        return
    arguments = {key: value for key, value in table.items() if key != "type"}
    yield f"`{table['type']}`"
    if arguments:
        yield ""
        yield from _table(("argument", "value"), _written(arguments))


def _training(config: Mapping[str, Any]) -> Iterator[str]:
    rows: dict[str, Any] = {"loss": config.get("loss", config.get("losses"))}
    rows |= {"optimizer": config.get("optimizer"), **config.get("train", {})}
    there = {key: value for key, value in rows.items() if value not in (None, [], {})}
    return _table(("", ""), _written(there))


def _provenance(entry: WeightsEntry) -> Iterator[str]:
    plugins = ", ".join(f"{name} {version}" for name, version in entry.plugins.items())
    rows = {
        "made from": entry.parent or "nothing: it was trained from the beginning",
        "plugins": plugins or "none",
        "keras": entry.keras,
        "created": entry.created.isoformat(),
        "file": entry.file,
        "sha256": entry.sha256,
        "config": entry.config,
        "fingerprint": entry.fingerprint,
    }
    return _table(("", ""), rows.items())


def _written(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield key, f"`{text}`"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
