"""`zoo check`: every problem of a config, without Keras."""

from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.command import MOST_FINDINGS, Answer, command, findings_document, report
from zoo.cli.options import DebugOption, JsonOption, SetOption, ZooOption
from zoo.config.compose import parse_overrides
from zoo.errors import Finding, error_of
from zoo.workspace import Workspace


@command
def check_command(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Model configs, or names of models.")
    ],
    set_: SetOption = None,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Check model configs; every problem is found in one pass, nothing is imported.

    Example: zoo check model.toml --set train.epochs=3
    """
    overrides = parse_overrides(set_ or [])
    workspace = Workspace(zoo)
    findings: list[Finding] = []
    for file in files:
        findings += workspace.check(file, overrides).findings
    errors = [finding for finding in findings if finding.severity == "error"]

    def text(console: Console) -> None:
        if not errors:
            console.print(f"{', '.join(files)}: ok")
        elif len(errors) <= MOST_FINDINGS:
            console.print(f"{len(errors)} error{'s' if len(errors) > 1 else ''}")

    report(findings, as_json=False)
    status = error_of(errors).exit_status if errors else 0
    return Answer(findings_document(findings), text, status)
