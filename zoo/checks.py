"""Every problem of a config that can be found without Keras."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from zoo.catalog.catalog import Catalog
from zoo.components import paths_in
from zoo.config.compose import FindModel, Source, compose
from zoo.config.reader import plain_data_findings
from zoo.config.salvage import ABOUT_SHAPES, Known, known_part
from zoo.config.validation import validated
from zoo.errors import Finding, ZooError, error_of
from zoo.files import LEADS_OUT, safe_path
from zoo.registry.root import root_above
from zoo.resolve import ResolvedModel, resolve
from zoo.sources import find_model

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import OpenRegistry


_WORTH_A_LOOK = 100
"""Beyond so many errors of form, nobody misses those of names and arguments."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        model: The resolved model; None if anything is wrong.
        findings: Errors and warnings.
    """

    model: ResolvedModel | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """The findings that make the config wrong."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def usable(self) -> ResolvedModel:
        """The resolved model; every error is raised where there is none."""
        if self.model is None:
            raise error_of(self.errors)
        return self.model


def check_source(
    source: Source,
    catalog: Catalog,
    registry: "OpenRegistry",
    overrides: Mapping[str, Any] | None = None,
) -> Checked:
    """Reads, composes, validates and resolves a config; nothing is imported or written.

    Args:
        source: The config's file and root.
        catalog: The installed components.
        registry: Gives the zoo's registry, where there is one.
        overrides: Values by dotted key, as `--set` gives them.
    """
    extended = partial(_model_source, catalog=catalog, registry=registry)
    found = _check(source, catalog, registry, overrides or {}, extended)
    if not found.findings:
        return found
    from zoo.config.locate import located  # only where there is something to point at

    findings = [_of_its_zoo(finding, source) for finding in found.findings]
    return replace(found, findings=located(findings, source, extended, overrides))


def _of_its_zoo(finding: Finding, source: Source) -> Finding:
    """Tells of a path that leads out of the folder of a config that another zoo holds."""
    if finding.code != "unsafe-path" or source.origin or LEADS_OUT not in finding.message:
        return finding
    root = root_above(source.path.resolve().parent)
    hint = f"this config is of another zoo: name that with --zoo {root}"
    return replace(finding, suggestion=hint) if root is not None else finding


def _model_source(name: str, catalog: Catalog, registry: "OpenRegistry") -> Source:
    return find_model(name, catalog, registry())


def _check(
    source: Source,
    catalog: Catalog,
    registry: "OpenRegistry",
    overrides: Mapping[str, Any],
    extended: FindModel,
) -> Checked:
    file = str(source.path)
    try:
        composed = compose(source, overrides, extended)
    except ZooError as error:
        return Checked(None, list(error.located(file=file).findings))
    document = composed.document
    values = [*composed.findings, *plain_data_findings(document, file)]
    config, wrong = validated(document, file)
    findings = [*values, *wrong]
    known = Known(config) if config is not None else None
    if known is None and len(wrong) <= _WORTH_A_LOOK:
        known = known_part(document)
    if known is None:
        return Checked(None, _without_consequences(findings, values))
    model, more = resolve(known.config, document, source, catalog, registry)
    findings += known.sure(more)
    if model is not None:
        findings += path_findings(model)
    findings = _without_consequences(findings, values)
    broken = any(finding.severity == "error" for finding in findings)
    return Checked(None if broken else model, findings)


def _without_consequences(findings: list[Finding], values: list[Finding]) -> list[Finding]:
    """Leaves out what is wrong only because of a value that is known to be wrong itself."""
    keys = {finding.key or "" for finding in values}
    first = {id(finding) for finding in values}

    def follows(finding: Finding) -> bool:
        key = finding.key or ""
        of_shapes = finding.code in ABOUT_SHAPES and bool(values)
        return key in keys or key.removesuffix(".type") in keys or of_shapes

    return [finding for finding in findings if id(finding) in first or not follows(finding)]


def path_findings(model: ResolvedModel) -> list[Finding]:
    """Finds the arguments that name a file outside the zoo root."""
    findings: list[Finding] = []
    root = model.source.root
    for part in model.parts():
        # A callback's path is in the run's folder, which no config can name.
        folder = root if part.component.kind == "callbacks" else model.source.folder
        for key, text in _paths_below(part.key, part.arguments):
            try:
                safe_path(text, folder=folder, root=root)
            except ZooError as error:
                findings += error.located(file=str(model.source.path), key=key).findings
    return findings


def _paths_below(key: str, value: Any) -> Iterator[tuple[str, str]]:
    # Nested parts are parts of the model themselves, and are looked at as such.
    if isinstance(value, dict):
        for name, item in value.items():
            yield from ((f"{key}.{name}", text) for text in paths_in(name, item))
            yield from _paths_below(f"{key}.{name}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _paths_below(key, item)
