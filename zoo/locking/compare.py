"""What differs between two locks: for a person, and as the errors that `--locked` gives."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from zoo.components import listed
from zoo.errors import Finding
from zoo.locking.document import LOCK_FILE, Lock, LockedModel, LockedPlugin, LockedWeights

How = Literal["added", "changed", "removed"]

_ACCEPT = "or, if what is here is what you want: zoo lock"
_RESTORE = f"restore it from version control, {_ACCEPT}"
_SHOWN = 12  # of a digest


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is in one lock and not, or not so, in the other.

    Attributes:
        kind: `environment`, `plugin`, `weights` or `model`.
        name: Which one.
        how: What became of it.
        detail: What it was and what it is.
        finding: The same as an error, or as a warning for what changes no result.
    """

    kind: str
    name: str
    how: How
    detail: str
    finding: Finding

    def to_json(self) -> dict[str, Any]:
        """Gives the change as the command line's JSON has it."""
        about = {"kind": self.kind, "name": self.name, "change": self.how, "detail": self.detail}
        return {**about, "severity": self.finding.severity}


def compare(
    old: Lock,
    new: Lock,
    *,
    unresolved: Collection[str] = (),
    disabled: Collection[str] = (),
) -> list[Change]:
    """Compares what was locked with what is here, causes before consequences.

    Args:
        old: What was locked.
        new: What is here.
        unresolved: The configs that are here and wrong, which is said elsewhere.
        disabled: The plugins that are left out by `ZOO_DISABLE_PLUGINS`.
    """
    plugins = _by(old.plugins, lambda p: p.name), _by(new.plugins, lambda p: p.name)
    weights = _by(old.weights, lambda w: w.version), _by(new.weights, lambda w: w.version)
    models = _by(old.models, lambda m: m.config), _by(new.models, lambda m: m.config)
    changes = [
        *_changes(old.environment, new.environment, _package),
        *_changes(*plugins, _plugin),
        *_changes(*weights, _version),
        *_changes(*models, _model),
    ]
    # A plugin is new because a config or another plugin is no longer what it was.
    changes.sort(key=lambda change: (change.kind, change.how) == ("plugin", "added"))
    return [
        _left_out(change) if change.kind == "plugin" and change.name in disabled else change
        for change in changes
        if not (change.kind == "model" and change.how == "removed" and change.name in unresolved)
    ]


def _by(entries: Collection[Any], key: Callable[[Any], str]) -> dict[str, Any]:
    return {key(entry): entry for entry in entries}


def _changes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    change: Callable[[str, Any, Any], Change | None],
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            found = change(name, old.get(name), new.get(name))
            if found is not None:
                yield found


def _package(name: str, old: str | None, new: str | None) -> Change:
    is_python = name == "python"
    # A patch of Python changes neither what a config means nor what is computed.
    same = is_python and old is not None and new is not None and _minor(old) == _minor(new)
    get = f"Python {old and _minor(old)}" if is_python else f"pip install '{name}=={old}'"
    word = "Python" if is_python else name
    detail = f"{old or 'none'} is locked, {new or 'none'} is here"
    finding = Finding(
        "plugin-changed",
        f"{word} is not the locked one: {detail}",
        suggestion=f"take {get}, {_ACCEPT}" if is_python else f"{get}, {_ACCEPT}",
        severity="warning" if same else "error",
    )
    return Change("environment", name, _how(old, new), detail, finding)


def _plugin(name: str, old: LockedPlugin | None, new: LockedPlugin | None) -> Change:
    if old is None:
        assert new is not None
        message = f"{name} {new.version} is used here, and is not in {LOCK_FILE}"
        remedy = f"leave it out with ZOO_DISABLE_PLUGINS={name}, {_ACCEPT}"
        finding = Finding("plugin-changed", message, suggestion=remedy)
        return Change("plugin", name, "added", new.version, finding)
    wanted = f"pip install '{name}=={old.version}'"
    if new is None:
        message = f"{name} {old.version} is locked, and is not installed"
        finding = Finding("plugin-missing", message, suggestion=f"{wanted}, {_ACCEPT}")
        return Change("plugin", name, "removed", old.version, finding)
    differs = _what_differs(old, new)
    harmless = not differs
    detail = "; ".join(differs) or (
        f"{'an editable' if old.editable else 'a plain'} installation is locked, "
        f"{'an editable' if new.editable else 'a plain'} one is here"
    )
    if old.version == new.version:
        wanted = f"pip install --force-reinstall '{name}=={old.version}'"
        if new.editable:
            wanted = "restore its source from version control"
    finding = Finding(
        "plugin-changed",
        f"{name} {new.version} is not the locked one: {detail}",
        suggestion=f"{wanted}, {_ACCEPT}",
        severity="warning" if harmless else "error",
    )
    return Change("plugin", name, "changed", detail, finding)


def _what_differs(old: LockedPlugin, new: LockedPlugin) -> list[str]:
    said = []
    if old.version != new.version:
        said.append(f"version {old.version} is locked, {new.version} is here")
    before, after = _targets(old), _targets(new)
    for point in sorted(before.keys() | after.keys()):
        if before.get(point) != after.get(point):
            was, now = before.get(point, "nothing"), after.get(point, "nothing")
            said.append(f"{point} is {was} in the lock, {now} here")
    if len(said) > _MOST_POINTS:
        said[_MOST_POINTS:] = [f"{len(said) - _MOST_POINTS} more entry points differ"]
    if old.sha256 != new.sha256:
        digests = f"sha256 {old.sha256[:_SHOWN]} is locked, {new.sha256[:_SHOWN]} is here"
        said.append(f"its files ({digests}): {_which(old.files, new.files)}")
    return said


_MOST_POINTS = 4


def _targets(plugin: LockedPlugin) -> dict[str, str]:
    groups = plugin.entry_points.items()
    return {f"{group} {name}": target for group, rows in groups for name, target in rows.items()}


def _which(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Says which of some keys changed, came and went."""
    found = {
        "changed": [key for key in old if key in new and old[key] != new[key]],
        "new": [key for key in new if key not in old],
        "gone": [key for key in old if key not in new],
    }
    return ", ".join(f"{how} {listed(sorted(keys))}" for how, keys in found.items() if keys)


def _version(version: str, old: LockedWeights | None, new: LockedWeights | None) -> Change | None:
    if old is None:
        finding = Finding(
            "not-locked", f"{version} is not in {LOCK_FILE}", suggestion="lock it too: zoo lock"
        )
        return Change("weights", version, "added", "", finding)
    if new is None:
        message = f"{version} is locked, and the registry does not have it"
        finding = Finding("unknown-version", message, suggestion=_RESTORE)
        return Change("weights", version, "removed", "", finding)
    pairs = (
        ("weights", old.sha256[:_SHOWN], new.sha256[:_SHOWN]),
        ("resolved config", old.config_sha256[:_SHOWN], new.config_sha256[:_SHOWN]),
        ("status", old.status, new.status),
    )
    said = [f"{what} {was} in the lock, {now} here" for what, was, now in pairs if was != now]
    if not said:  # what it is made of follows from its config
        return None
    detail = "; ".join(said)
    message = f"{version} is not what was locked: {detail}"
    finding = Finding("hash-mismatch", message, suggestion=_RESTORE)
    return Change("weights", version, "changed", detail, finding)


def _model(config: str, old: LockedModel | None, new: LockedModel | None) -> Change | None:
    if old is None:
        message = f"{config} is not in {LOCK_FILE}"
        finding = Finding("not-locked", message, suggestion="lock it too: zoo lock")
        return Change("model", config, "added", "", finding)
    if new is None:
        message = f"{config} is locked, and the zoo does not have it"
        finding = Finding("unknown-model", message, suggestion=_RESTORE)
        return Change("model", config, "removed", "", finding)
    if old.sha256 == new.sha256:
        return None
    digests = f"sha256 {old.sha256[:_SHOWN]} is locked, {new.sha256[:_SHOWN]} is here"
    detail = f"{_which(old.parts, new.parts)} ({digests})"
    message = f"the resolved config of {new.name} is not the locked one: {detail}"
    finding = Finding("config-changed", message, suggestion=_RESTORE)
    return Change("model", config, "changed", detail, finding)


def _how(old: object, new: object) -> How:
    return "added" if old is None else "removed" if new is None else "changed"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _left_out(change: Change) -> Change:
    remedy = "ZOO_DISABLE_PLUGINS leaves it out: unset it, or take its name away"
    return replace(change, finding=replace(change.finding, suggestion=remedy))
