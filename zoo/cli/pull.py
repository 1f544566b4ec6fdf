"""`zoo pull`: versions of the zoo, fetched from its store."""

from typing import Any

from rich.console import Console

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, QuietOption, ZooOption
from zoo.cli.stores import VersionsArgument, going_on, known_store
from zoo.workspace import Workspace


@command
def pull_command(
    names: VersionsArgument = None,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Fetch the weights that registry.toml lists and that are not here, from its store.

    A model or version that is named is looked up in the store too, and added to registry.toml
    where it is new.

    Example: zoo pull my-model@1
    """
    registry = Workspace(zoo).known_registry

    from zoo.store.progress import Transfers
    from zoo.store.pulling import pull

    store = known_store(registry)
    with going_on("pull"), Transfers("fetching") as shown:
        done = pull(registry, names or [], store, shown)
    document: dict[str, Any] = {
        "store": store.url,
        "pulled": [item.reference for item in done if item.size],
        "here": [item.reference for item in done if not item.size],
        "new": [item.reference for item in done if item.new],
        "bytes": sum(item.size for item in done),
    }

    def text(console: Console) -> None:
        pulled, here = len(document["pulled"]), len(document["here"])
        size = document["bytes"]
        console.print(f"{pulled} fetched ({size:,} bytes), {here} here already: {store.url}")
        for reference in document["new"]:
            console.print(f"new        {reference}")

    return Answer(document, text)
