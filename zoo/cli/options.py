"""The options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.completion import complete_model, complete_version, complete_version_or_run

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else there.")
]
ZooOption = Annotated[
    Path | None,
    typer.Option("--zoo", metavar="DIR", help="The zoo: the folder with registry.toml."),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a value of the config, in TOML syntax; may be repeated. "
        "For example --set layers.conv1.filters=64",
    ),
]
LockedOption = Annotated[
    bool,
    typer.Option("--locked", help="Refuse what is not as zoo.lock says: plugins, config, weights."),
]
AcceptHarmlessOption = Annotated[
    bool,
    typer.Option(
        "--accept-harmless",
        help="Take weights of a graph that differs only in what no prediction depends on.",
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers", metavar="N", min=0, help="How many of Ray's processes train at a time."
    ),
]
AddressOption = Annotated[
    str | None, typer.Option("--address", metavar="ADDRESS", help="A Ray cluster to train on.")
]
FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A model config, or the name of a model of the zoo.",
        autocompletion=complete_model,
    ),
]
VersionArgument = Annotated[
    str,
    typer.Argument(metavar="NAME[@V]", help="A model of the zoo.", autocompletion=complete_version),
]
VersionOrRunArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@V]|RUN",
        help="A version, or the folder of a run.",
        autocompletion=complete_version_or_run,
    ),
]
