"""`zoo.lock` and its parsed form."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoo.catalog.discovery import CORE
from zoo.config.positions import Lines, Span, places
from zoo.config.reader import parse_toml
from zoo.digest import canonical_json, sha256
from zoo.errors import ConfigError, Finding, RegistryError, ZooError
from zoo.files import read_bytes

LOCK_FILE = "zoo.lock"
MAX_BYTES = 16 * 1024 * 1024

_FORMAT = 1
_HEAD = """\
# Written by `zoo lock`, not by hand: what gives the names of this zoo's models their meaning.
# `zoo lock --check` says what has changed since, `--locked` refuses it.
"""
_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|$)", re.MULTILINE)
_REMEDY = "write it anew: zoo lock; or restore it from version control"

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class LockedPlugin(_Entry):
    """A distribution that registers components.

    Attributes:
        name: Its normalized name.
        version: Its version.
        editable: Whether it is worked on where it is installed from.
        sha256: The digest of `files`.
        entry_points: What stands behind each name, by group.
        files: The digest of each file of its code.
    """

    name: str
    version: str
    editable: bool
    sha256: _Digest
    entry_points: dict[str, dict[str, str]]
    files: dict[str, str]


class LockedModel(_Entry):
    """A model config, resolved.

    Attributes:
        name: The model's name.
        config: Where the config comes from, as the registry names it.
        sha256: The digest of `parts`.
        parts: The digest of each of its top-level keys.
        plugins: The plugins that it is made of.
        weights: The published versions that it is made of.
    """

    name: str
    config: str
    sha256: _Digest
    parts: dict[str, _Digest]
    plugins: list[str]
    weights: list[str]


class LockedWeights(_Entry):
    """A published version.

    Attributes:
        version: `name@1.2.3`.
        sha256: The digest of its weights.
        config_sha256: The digest of its resolved config.
        status: `stable`, `deprecated` or `yanked`, which decides what `name` alone means.
        plugins: The plugins that it is made of.
        weights: The published versions that it is made of.
    """

    version: str
    sha256: _Digest
    config_sha256: _Digest
    status: str
    plugins: list[str]
    weights: list[str]


class Lock(_Entry):
    """What gives the names of a zoo's models their meaning.

    Attributes:
        format: The format's number.
        complete: Whether it was taken of the whole registry, not of models that were named.
        environment: The version of Python and of the packages that decide what is computed.
        plugins: The plugins that the models are made of, and the zoo itself.
        models: The configs.
        weights: The published versions.
    """

    format: Literal[1]
    complete: bool
    environment: dict[str, str]
    plugins: list[LockedPlugin] = Field(default_factory=list)
    models: list[LockedModel] = Field(default_factory=list)
    weights: list[LockedWeights] = Field(default_factory=list)

    def model(self, config: str) -> LockedModel | None:
        """Gives the entry of a config, by where it comes from."""
        return next((entry for entry in self.models if entry.config == config), None)

    def narrowed(self, configs: Iterable[str], versions: Iterable[str]) -> "Lock":
        """Gives the part of the lock that some configs and versions rest on."""
        models = [entry for entry in self.models if entry.config in set(configs)]
        by_version = {entry.version: entry for entry in self.weights}
        waiting = [*versions, *(name for entry in models for name in entry.weights)]
        found: dict[str, LockedWeights] = {}
        while waiting:
            name = waiting.pop()
            if name in by_version and name not in found:
                found[name] = by_version[name]
                waiting += found[name].weights
        used = [*(entry.plugins for entry in models), *(e.plugins for e in found.values())]
        names = {CORE}.union(*used)
        return self.model_copy(
            update={
                "plugins": [plugin for plugin in self.plugins if plugin.name in names],
                "models": models,
                "weights": [entry for entry in self.weights if entry.version in found],
            }
        )


def written(lock: Lock) -> bytes:
    """Writes a lock; equal ones are written equally."""
    import tomlkit  # it takes time, and most commands write nothing

    values = lock.model_dump()
    sealed = {"format": values.pop("format"), "seal": _seal(lock), **values}
    filled = {key: value for key, value in sealed.items() if value != []}
    return f"{_HEAD}{tomlkit.dumps(filled)}".encode()


def read_lock(root: Path) -> Lock:
    """Reads the lock of a zoo.

    Raises:
        ConfigError: `not-locked`, if there is none.
        RegistryError: `bad-lock`, with its line, if it is not as `zoo lock` wrote it.
        StorageError: If it cannot be read.
    """
    path = root / LOCK_FILE
    if not path.exists():
        raise ConfigError(
            f"{root} has no {LOCK_FILE}, so nothing says what is locked",
            "not-locked",
            suggestion="make it where all is as it should be: zoo lock",
        )
    return parse_lock(read_bytes(path, limit=MAX_BYTES), str(path))


def parse_lock(data: bytes, file: str) -> Lock:
    """Checks the bytes of a lock; see `read_lock`."""
    text = data.decode("utf-8", errors="replace")
    if mark := _CONFLICT.search(text):
        raise _damaged("a merge left both sides in it", text, file, Span(*mark.span()))
    try:
        values = parse_toml(text, file=file)
    except ZooError as error:
        raise RegistryError.of([_bad(finding) for finding in error.findings]) from None
    spans = {path: place.value for path, place in places(text).items()}
    if values.get("format", _FORMAT) != _FORMAT:
        what = f"its format is {values['format']}, and this zoo reads {_FORMAT}"
        raise _damaged(what, text, file, spans["format",])
    seal = values.pop("seal", None)
    try:
        lock = Lock.model_validate(values)
    except ValidationError as error:
        detail = error.errors()[0]
        key = ".".join(map(str, detail["loc"]))
        raise _damaged(f"{key}: {detail['msg']}", text, file, _nearest(spans, detail)) from None
    if seal != _seal(lock):
        what = "it was cut off, merged or edited by hand: its seal does not fit what it says"
        raise _damaged(what, text, file, spans.get(("seal",), Span(0, 1)))
    return lock


def _seal(lock: Lock) -> str:
    return sha256(canonical_json(lock.model_dump()))


def _nearest(spans: dict[tuple[str | int, ...], Span], detail: Any) -> Span:
    """Finds the place of a key, or of what it is missing in."""
    loc = tuple(detail["loc"])
    found = (spans[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in spans)
    return next(found, Span(0, 1))


def _damaged(what: str, text: str, file: str, span: Span) -> RegistryError:
    finding = Finding("bad-lock", f"{LOCK_FILE} is damaged: {what}", file, suggestion=_REMEDY)
    return RegistryError.of([Lines(text).point(finding, span)])


def _bad(finding: Finding) -> Finding:
    return Finding(
        "bad-lock",
        f"{LOCK_FILE} is damaged: {finding.message}",
        finding.file,
        finding.line,
        finding.column,
        suggestion=_REMEDY,
        excerpt=finding.excerpt,
        width=finding.width,
    )
