"""`zoo check`: every problem of a config, without Keras."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.command import Answer, command, findings_document, import_keras, report
from zoo.cli.completion import complete_model
from zoo.cli.options import DebugOption, JsonOption, LockedOption, SetOption, ZooOption
from zoo.config.overrides import parse_overrides
from zoo.errors import Finding, error_of
from zoo.workspace import Workspace

if TYPE_CHECKING:
    from zoo.checks import Checked
    from zoo.resolve import ResolvedModel


@command
def check_command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Model configs, or names of models.",
            autocompletion=complete_model,
        ),
    ],
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Build with Keras too, and compare shapes and parameters."),
    ] = False,
    set_: SetOption = None,
    locked: LockedOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Check model configs; every problem is found in one pass, without Keras.

    Example: zoo check model.toml --set train.epochs=3
    """
    overrides = parse_overrides(set_ or [])
    workspace = Workspace(zoo)
    findings: list[Finding] = []
    unlike: list[Finding] = []
    for file in files:
        checked = workspace.check(file, overrides)
        findings += checked.findings
        if locked:
            unlike += _unlike_the_lock(workspace, file, checked, overrides)
        if deep and checked.model is not None:
            findings += _deep(checked.model, workspace, overrides, quietly=not debug)
    # What several configs rest on is said once, and before what may follow from it.
    findings = [*dict.fromkeys(unlike), *findings]
    errors = [finding for finding in findings if finding.severity == "error"]

    count = f"{len(errors)} error{'s' if len(errors) > 1 else ''}"
    text = count if errors else f"{', '.join(files)}: ok"
    report(findings, as_json=False)
    status = 0
    if errors:
        first = [f for f in unlike if f.severity == "error"][:1]
        status = error_of(first or errors).exit_status
    return Answer(findings_document(findings), text, status)


def _unlike_the_lock(
    workspace: Workspace, file: str, checked: "Checked", overrides: Mapping[str, Any]
) -> list[Finding]:
    from zoo.locking import lock_findings

    return lock_findings(workspace, file, checked, overrides)


def _deep(
    model: "ResolvedModel", workspace: Workspace, overrides: Mapping[str, Any], *, quietly: bool
) -> list[Finding]:
    import_keras(quietly=quietly)
    from zoo.runtime.deep import deep_findings
    from zoo.runtime.weights import Shelf
    from zoo.shapes.rules import ShapeRules

    shelf = Shelf(workspace.registry, workspace.catalog)
    found = deep_findings(model, shelf, ShapeRules(workspace.catalog))
    return workspace.located(found, model.source, overrides)
