"""`registry.toml` and its parsed form."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from zoo.components import did_you_mean
from zoo.config.reader import parse_toml
from zoo.errors import Finding, RegistryError, ZooError
from zoo.files import is_plain, read_bytes, safe_path
from zoo.registry.damage import Damage, not_utf8
from zoo.registry.recall import recall, remember
from zoo.registry.root import FILE_NAME
from zoo.registry.seal import entries_of, seal_of
from zoo.registry.versions import Version, split_reference
from zoo.store.url import checked_url

MAX_BYTES = 64 * 1024 * 1024

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]


def _is_version(text: str) -> str:
    Version.parse(text)
    return text


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class PluginRequirement(_Entry):
    """A plugin that the zoo's models need."""

    name: str
    requires: str = ""


class ModelEntry(_Entry):
    """A model of the zoo, with or without weights; what its card says of all its versions."""

    name: _Name
    config: str
    description: str = ""
    license: str = ""
    limits: str = ""
    tags: list[_Name] = Field(default_factory=list)


class WeightsEntry(_Entry):
    """One published version of a model's weights."""

    name: _Name
    version: Annotated[str, AfterValidator(_is_version)]
    file: str
    sha256: _Digest
    size: Annotated[int, Field(ge=0)]
    fingerprint: _Digest
    config: str
    config_sha256: _Digest
    plugins: dict[str, str] = Field(default_factory=dict)
    created: datetime
    keras: str
    metrics: dict[str, float] = Field(default_factory=dict)
    parent: str = ""
    status: Literal["stable", "deprecated", "yanked"] = "stable"

    @property
    def number(self) -> Version:
        """The version as numbers, which compare as versions do."""
        return Version.parse(self.version)

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


class Seal(_Entry):
    """The count and digest of the entries, by which a cut or half-merged index is noticed."""

    entries: int
    sha256: _Digest


class StoreTable(_Entry):
    """Where weights are shared."""

    url: Annotated[str, AfterValidator(checked_url)]


class _Document(_Entry):
    format: Literal[1]
    index: Seal | None = None
    store: StoreTable | None = None
    plugins: list[PluginRequirement] = Field(default_factory=list)
    models: list[ModelEntry] = Field(default_factory=list)
    weights: list[WeightsEntry] = Field(default_factory=list)


class Registry:
    """The zoo's models, every version of their weights, and the plugins they require.

    Args:
        root: The folder that holds `registry.toml`.
        document: The parsed file.
    """

    def __init__(self, root: Path, document: _Document) -> None:
        self.root = root
        self.store = document.store.url if document.store else None
        self.plugins = tuple(document.plugins)
        self.models = tuple(document.models)
        self.weights = tuple(document.weights)
        self._versions: dict[str, list[WeightsEntry]] = {}
        for entry in sorted(self.weights, key=lambda entry: entry.number):
            self._versions.setdefault(entry.name, []).append(entry)

    @property
    def names(self) -> list[str]:
        """Every name that has an entry."""
        return list(dict.fromkeys([*(m.name for m in self.models), *self._versions]))

    def model(self, name: str) -> ModelEntry | None:
        """Gives a model's entry, if it has one."""
        return next((entry for entry in self.models if entry.name == name), None)

    def versions(self, name: str) -> list[WeightsEntry]:
        """Gives every version of a model's weights, oldest first."""
        return list(self._versions.get(name, []))

    def latest(self, name: str) -> WeightsEntry | None:
        """Gives the newest stable version of a model's weights, if there is one."""
        stable = [entry for entry in self.versions(name) if entry.status == "stable"]
        return stable[-1] if stable else None

    def caution(self, entry: WeightsEntry) -> Finding | None:
        """Words the warning that a version is deprecated or yanked; None for a stable one."""
        if entry.status == "stable":
            return None
        latest = self.latest(entry.name)
        hint = f"the newest stable version is {latest.reference}" if latest else None
        how = "was yanked: it should not be used" if entry.status == "yanked" else "is deprecated"
        otherwise = f"{entry.name} has no stable version: `zoo list models` shows what there is"
        message = f"{entry.reference} {how}"
        return Finding("not-stable", message, suggestion=hint or otherwise, severity="warning")

    def find(self, reference: str) -> WeightsEntry:
        """Finds the weights that `name`, `name@1`, `name@1.2` or `name@1.2.3` mean.

        Without a version it is the newest stable one. A yanked version is found only by its
        full number.

        Raises:
            RegistryError: `unknown-model` or `unknown-version`.
        """
        name, prefix = split_reference(reference)
        versions = self.versions(name)
        if not versions:
            raise self._unknown_model(name)
        fitting = [entry for entry in versions if entry.number.matches(prefix)]
        usable = [entry for entry in fitting if entry.status != "yanked" or entry.version == prefix]
        stable = [entry for entry in usable if entry.status == "stable"]
        if not usable:
            there = ", ".join(entry.version for entry in versions if entry.status != "yanked")
            raise RegistryError(
                f"{name} has no version {prefix or 'that is not yanked'}",
                "unknown-version",
                suggestion=f"there is {there}" if there else _ALL_YANKED,
            )
        return (stable or usable)[-1]

    def _unknown_model(self, name: str) -> RegistryError:
        if self.model(name) is not None:
            return RegistryError(
                f"{name} has no published weights",
                "unknown-version",
                suggestion=f"train and publish it: zoo train {name} --publish; or import its "
                f"weights: zoo import FILE --model {name}",
            )
        hint = did_you_mean(name, self.names, "`zoo list models` shows what there is")
        return RegistryError(f"the zoo has no model {name!r}", "unknown-model", suggestion=hint)

    def path(self, text: str) -> Path:
        """Turns a path of the registry into one that is certain to lie under the root."""
        try:
            return safe_path(text, folder=self.root, root=self.root)
        except ZooError as error:
            raise RegistryError.of(error.findings).located(
                file=str(self.root / FILE_NAME)
            ) from None


_ALL_YANKED = "every version was yanked; one that was is found by its full number alone"

OpenRegistry = Callable[[], Registry | None]
"""Gives the registry, where there is one; called only by what needs it, since it may be damaged."""


def read_registry(root: Path, *, accept_edits: bool = False) -> Registry:
    """Reads `registry.toml`, and refuses one that is damaged.

    Args:
        root: The zoo root.
        accept_edits: Whether entries that differ from the index's seal are accepted.

    Raises:
        StorageError: If the file cannot be read.
        RegistryError: If it is not TOML, not of the form, cut off, or half-merged.
    """
    data = read_bytes(root / FILE_NAME, limit=MAX_BYTES)
    if known := recall(data):
        return recalled_registry(known[0], root)
    text, values = parse_values(data, str(root / FILE_NAME))
    registry = registry_of(text, values, root, accept_edits)
    if not accept_edits:
        remember(data, values)
    return registry


def recalled_registry(values: dict[str, Any], root: Path) -> Registry:
    """Makes the registry of a file that was found sound before."""
    document = _Document.model_validate({**values, "weights": []})
    weights = [WeightsEntry.model_construct(**entry) for entry in values["weights"]]
    return Registry(root, document.model_copy(update={"weights": weights}))


def parse_registry(data: bytes, root: Path, accept_edits: bool = False) -> Registry:
    """Checks the bytes of a `registry.toml`; see `read_registry`."""
    return registry_of(*parse_values(data, str(root / FILE_NAME)), root, accept_edits)


def registry_of(
    text: str, values: dict[str, Any], root: Path, accept_edits: bool = False
) -> Registry:
    """Checks a `registry.toml` that is parsed already; see `read_registry`."""
    damage = Damage(text, str(root / FILE_NAME), values)
    if other := damage.other_format():
        raise other
    try:
        document = _Document.model_validate(values)
    except ValidationError as error:
        raise RegistryError.of(damage.form(error.errors(), _KEYS)) from None
    wrong = [*_unsafe_paths(document, damage), *damage.doubles(_doubles(document))]
    if wrong:
        raise RegistryError.of(wrong)
    if not accept_edits:
        _refuse_broken_seal(document, values, damage, root)
    return Registry(root, document)


def parse_values(data: bytes, file: str) -> tuple[str, dict[str, Any]]:
    """Gives the text of a `registry.toml` and what it says, of whatever form.

    Raises:
        RegistryError: If it is not TOML, with the lines of an unfinished merge.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(data, error.start, file) from error
    try:
        return text, parse_toml(text, file=file)
    except ZooError as error:
        findings = Damage(text, file).not_toml(error.findings)
        raise RegistryError.of(findings).located(file=file) from None


_KEYS = {
    "": list(_Document.model_fields),
    "index": list(Seal.model_fields),
    "store": list(StoreTable.model_fields),
    "plugins": list(PluginRequirement.model_fields),
    "models": list(ModelEntry.model_fields),
    "weights": list(WeightsEntry.model_fields),
}
"""The keys of each table."""


def _unsafe_paths(document: _Document, damage: Damage) -> Iterator[Finding]:
    for table, keys in (("models", ("config",)), ("weights", ("file", "config"))):
        for number, entry in enumerate(getattr(document, table)):
            for key in keys:
                path = getattr(entry, key)
                if not is_plain(path) or "\\" in path or ".." in path.split("/"):
                    yield damage.unsafe((table, number, key), path)


def _doubles(document: _Document) -> dict[str, list[tuple[str | int, ...]]]:
    found: dict[str, list[tuple[str | int, ...]]] = {}
    for number, model in enumerate(document.models):
        found.setdefault(model.name, []).append(("models", number))
    for number, entry in enumerate(document.weights):
        found.setdefault(entry.reference, []).append(("weights", number))
    return {name: where for name, where in found.items() if len(where) > 1}


def _refuse_broken_seal(
    document: _Document, values: dict[str, Any], damage: Damage, root: Path
) -> None:
    if document.index is None:
        if document.weights:
            raise damage.seal("it lists weights but has lost its `index` line", ())
        return
    seal = seal_of(entries_of(values))
    if seal == document.index.model_dump():
        return
    from zoo.registry.suspects import suspects  # only where there is something to explain

    what = "an entry is not as it was written"
    if seal["entries"] != document.index.entries:
        what = f"it should have {document.index.entries} entries and has {seal['entries']}"
    found = suspects(values, root)
    known = [f"{damage.entry(s.where)} (line {damage.line_of(s.where)}) {s.what}" for s in found]
    raise damage.seal("; ".join([what, *known]), found[0].where if found else ("index",))
