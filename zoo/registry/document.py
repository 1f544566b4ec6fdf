"""`registry.toml` and its parsed form."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from zoo.components import did_you_mean
from zoo.config.reader import parse_toml
from zoo.digest import canonical_json, sha256
from zoo.errors import Finding, RegistryError, ZooError
from zoo.files import read_bytes, safe_path
from zoo.registry.root import FILE_NAME
from zoo.registry.versions import Version, split_reference

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
    """A model of the zoo, with or without weights."""

    name: _Name
    config: str
    description: str = ""


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


class _Document(_Entry):
    format: Literal[1]
    index: Seal | None = None
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
                suggestion=f"there is {there}" if there else "every version was yanked",
            )
        return (stable or usable)[-1]

    def _unknown_model(self, name: str) -> RegistryError:
        if self.model(name) is not None:
            return RegistryError(
                f"{name} has no published weights",
                "unknown-version",
                suggestion=f"train and publish it: zoo train {name} --publish",
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


OpenRegistry = Callable[[], Registry | None]
"""Gives the registry, where there is one; called only by what needs it, since it may be damaged."""


def seal_of(entries: list[Any]) -> dict[str, Any]:
    """Works out the count and digest of the plain entries of `models` and `weights`.

    Comments, the order of entries and the order of keys do not matter.
    """
    lines = sorted(canonical_json(_plain(entry)) for entry in entries)
    return {"entries": len(lines), "sha256": sha256(b"\n".join(lines))}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def read_registry(root: Path, *, accept_edits: bool = False) -> Registry:
    """Reads `registry.toml`, and refuses one that is damaged.

    Args:
        root: The zoo root.
        accept_edits: Whether entries that differ from the index's seal are accepted.

    Raises:
        StorageError: If the file cannot be read.
        RegistryError: If it is not TOML, not of the form, cut off, or half-merged.
    """
    return parse_registry(read_bytes(root / FILE_NAME, limit=MAX_BYTES), root, accept_edits)


def parse_registry(data: bytes, root: Path, accept_edits: bool = False) -> Registry:
    """Checks the bytes of a `registry.toml`; see `read_registry`."""
    file = str(root / FILE_NAME)
    try:
        values = parse_toml(data.decode("utf-8"), file=file)
        document = _Document.model_validate(values)
    except UnicodeDecodeError as error:
        raise _damaged("it is not UTF-8", file, "syntax") from error
    except ValidationError as error:
        raise RegistryError.of([_finding(detail, file) for detail in error.errors()]) from None
    except ZooError as error:
        raise RegistryError.of(error.findings).located(file=file) from None
    _refuse_doubles(document, file)
    if not accept_edits:
        _refuse_broken_seal(document, values, file)
    return Registry(root, document)


def _finding(detail: Any, file: str) -> Finding:
    key = ".".join(map(str, detail["loc"]))
    return Finding("bad-registry", f"{key}: {detail['msg']}", file, key=key)


def _refuse_doubles(document: _Document, file: str) -> None:
    counts = Counter(entry.reference for entry in document.weights)
    counts.update(entry.name for entry in document.models)
    double = [reference for reference, count in counts.items() if count > 1]
    if double:
        raise _damaged(f"{', '.join(double)} stands there twice", file, "duplicate-name")


def _refuse_broken_seal(document: _Document, values: dict[str, Any], file: str) -> None:
    entries = [*values.get("models", []), *values.get("weights", [])]
    if document.index is None:
        if document.weights:
            raise _damaged("it lists weights but has lost its `index` line", file, "hash-mismatch")
        return
    seal = seal_of(entries)
    if seal["entries"] != document.index.entries:
        raise _damaged(
            f"it should have {document.index.entries} entries and has {seal['entries']}",
            file,
            "hash-mismatch",
        )
    if seal["sha256"] != document.index.sha256:
        raise _damaged("an entry is not as it was written", file, "hash-mismatch")


def _damaged(what: str, file: str, code: str) -> RegistryError:
    return RegistryError(
        f"registry.toml is damaged or was edited by hand: {what}",
        code,
        file=file,
        suggestion="restore it from version control, or check the edit and accept it with "
        "`zoo verify --accept-edits`",
    )
