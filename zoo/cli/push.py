"""`zoo push`: versions of the zoo, sent to its store."""

from typing import Any

from rich.console import Console

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, QuietOption, ZooOption
from zoo.cli.stores import VersionsArgument, going_on, known_store
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.versions import split_reference
from zoo.workspace import Workspace


@command
def push_command(
    names: VersionsArgument = None,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Send weights and their configs to the store that registry.toml names under [store].

    What is there already is not sent again.

    Example: zoo push my-model@1.0.0
    """
    registry = Workspace(zoo).known_registry
    entries = _entries(registry, names or [])

    from zoo.store.progress import Transfers
    from zoo.store.pushing import push

    store = known_store(registry)
    with going_on("push"), Transfers("sending") as shown:
        done = push(registry, entries, store, shown)
    document: dict[str, Any] = {
        "store": store.url,
        "pushed": [item.reference for item in done if item.files],
        "there": [item.reference for item in done if not item.files],
        "bytes": sum(item.size for item in done),
    }

    def text(console: Console) -> None:
        pushed, there = len(document["pushed"]), len(document["there"])
        size = document["bytes"]
        console.print(f"{pushed} sent ({size:,} bytes), {there} there already: {store.url}")

    return Answer(document, text)


def _entries(registry: Registry, names: list[str]) -> list[WeightsEntry]:
    if not names:
        return list(registry.weights)
    found: dict[str, WeightsEntry] = {}
    for name in names:
        bare, prefix = split_reference(name)
        meant = [entry for entry in registry.versions(bare) if entry.number.matches(prefix)]
        found |= {entry.reference: entry for entry in meant or [registry.find(name)]}
    return list(found.values())
