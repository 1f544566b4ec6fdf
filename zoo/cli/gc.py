"""`zoo gc`: what killed processes left behind, and nothing refers to, is removed."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.columns import columns
from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.registry.editing import editing
from zoo.registry.garbage import Garbage, garbage, remove
from zoo.registry.root import known_root


@command
def gc_command(
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove it; without this it is only listed.")
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """List or remove temporary files and weights that no entry of the registry lists.

    Runs, links and files of other names are left alone, and so is everything where the registry
    is damaged.

    Example: zoo gc --delete
    """
    root = known_root(zoo)
    # A publish writes its files before it lists them, and holds the same lock meanwhile.
    with editing(root) as edit:
        found = garbage(root, edit.registry)
        if delete:
            remove(found)
    size = sum(item.size for item in found)
    document = {
        "deleted": delete,
        "bytes": size,
        "found": [{"path": str(item.path), "why": item.why, "bytes": item.size} for item in found],
    }

    def text(console: Console) -> None:
        if found:
            console.print(_table(found, root), markup=False)
        done = "removed" if delete else "to remove"
        console.print(f"{len(found)} {done}, {size:,} bytes")
        if found and not delete:
            console.print("next       zoo gc --delete")

    return Answer(document, text)


def _table(found: list[Garbage], root: Path) -> str:
    rows = [("bytes", "path", "")]
    rows += [(f"{item.size:,}", str(item.path.relative_to(root)), item.why) for item in found]
    return columns(rows, right={0})
