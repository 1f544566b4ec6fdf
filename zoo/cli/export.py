"""`zoo export`: a version or a run as a file that others use."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.locked import version_or_run
from zoo.cli.options import (
    AcceptHarmlessOption,
    DebugOption,
    JsonOption,
    LockedOption,
    QuietOption,
    VersionOrRunArgument,
    ZooOption,
)
from zoo.workspace import Workspace

if TYPE_CHECKING:
    from zoo.runtime.exporting import Exported


@command
def export_command(
    what: VersionOrRunArgument,
    kind: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="keras, h5, savedmodel, onnx, tflite or safetensors.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="By default NAME-VERSION here, with its suffix."
        ),
    ] = None,
    locked: LockedOption = False,
    accept_harmless: AcceptHarmlessOption = False,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write a model for use without the zoo; the file is kept only if it computes the same there.

    Example: zoo export my-model --format onnx
    """
    workspace = Workspace(zoo)
    label, is_run = version_or_run(workspace, what, locked)
    import_keras(quietly=not debug)
    from zoo.runtime.converting import SUFFIXES, check_format
    from zoo.runtime.exporting import check_target, export
    from zoo.runtime.weights import Shelf

    check_format(kind)
    stem = Path(what).resolve().name if is_run else label.replace("@", "-")
    file = output or Path(f"{stem}{SUFFIXES[kind]}")
    check_target(file, kind)
    shelf = Shelf(workspace.registry, workspace.catalog, accept_harmless=accept_harmless)
    model, built = shelf.of_run(what) if is_run else shelf.of_version(label)
    say = _unsaid if quiet else _say
    done = export(built, shelf.graph(model, built), label, kind, file, say)
    return _answer(done, label, kind)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _unsaid(line: str) -> None:
    del line


def _answer(done: "Exported", label: str, kind: str) -> Answer:
    check = done.check
    document = {
        "model": label,
        "format": kind,
        "file": str(done.file),
        "sha256": done.sha256,
        "size": done.size,
        "check": asdict(check),
        "imports": list(done.modules),
    }
    lines = [
        f"exported   {label} as {kind}",
        f"file       {done.file} ({done.size:,} bytes)",
        f"checked    without the zoo: differs by {check.difference:.2g} of the output's scale, "
        f"at most {check.tolerance:.2g} ({check.precision})",
    ]
    if done.modules:
        lines.append(f"imports    {', '.join(done.modules)}, before Keras loads it")
    return Answer(document, "\n".join(lines))
