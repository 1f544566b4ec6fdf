"""`zoo site`: the gallery of a zoo, as pages for a browser."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, QuietOption, ZooOption
from zoo.workspace import Workspace


@command
def site_command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to; one that this wrote is replaced.")
    ],
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write the gallery: every version, comparisons, every component; no server is needed.

    Example: zoo site build/site
    """
    from zoo.report.site import write_site

    pages = write_site(folder, Workspace(zoo))
    document = {"site": str(folder), "pages": [str(path) for path in pages]}
    return Answer(document, f"site  {folder / 'index.html'}  ({len(pages)} pages)")
