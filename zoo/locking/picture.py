"""What is here now, in the form of a lock."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from zoo.catalog.discovery import CORE, installed_versions
from zoo.catalog.entry_points import PLUGIN_KIND
from zoo.config.compose import Source, config_files
from zoo.config.reader import read_toml
from zoo.digest import canonical_json, sha256
from zoo.errors import Finding, ZooError
from zoo.locking.code_files import PACKAGES, code_files, is_editable
from zoo.locking.document import Lock, LockedModel, LockedPlugin, LockedWeights
from zoo.registry.verification import checked_config
from zoo.resolve import ResolvedModel
from zoo.resolve.document import resolved_document
from zoo.resolve.nodes import MODEL_PREFIX
from zoo.sources import find_model
from zoo.workspace import Workspace

_WORDS = ("description",)
"""The keys of a config that are for people alone."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What was found of some models.

    Attributes:
        lock: The picture itself.
        findings: Why some of it cannot be taken.
        unresolved: The configs that are there and cannot be resolved.
    """

    lock: Lock
    findings: list[Finding] = field(default_factory=list)
    unresolved: set[str] = field(default_factory=set)


class Camera:
    """Takes pictures of what is installed and registered.

    Args:
        workspace: The zoo and what is installed.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._installed = installed_versions()
        self.plugin: Callable[[str], LockedPlugin | None] = cache(self._plugin)

    def picture(
        self,
        models: Iterable[LockedModel],
        versions: Iterable[str],
        *,
        besides: Iterable[str] = (),
        complete: bool = False,
    ) -> Picture:
        """Takes a picture of models and versions, with all that they rest on.

        Args:
            models: The models.
            versions: The versions, as `name@1.2.3`.
            besides: Plugins to look at whether or not a model uses them.
            complete: Whether this is the whole registry.
        """
        models = sorted(models, key=lambda entry: entry.config)
        weights, findings = self._weights([*versions, *(v for m in models for v in m.weights)])
        used = [*(entry.plugins for entry in models), *(entry.plugins for entry in weights)]
        names = {CORE, *besides}.union(*used)
        plugins = [plugin for name in sorted(names) if (plugin := self.plugin(name))]
        lock = Lock(
            format=1,
            complete=complete,
            environment=self._environment(),
            plugins=plugins,
            models=models,
            weights=weights,
        )
        return Picture(lock, findings)

    def model(self, model: ResolvedModel, config: str) -> LockedModel:
        """Takes a picture of a resolved config.

        Args:
            model: The resolved config.
            config: Where it comes from, as the registry names it.
        """
        document = {k: v for k, v in resolved_document(model).items() if k not in _WORDS}
        parts = {key: sha256(canonical_json(value)) for key, value in sorted(document.items())}
        weights = {name for node in model.nodes for name in (node.model, node.weights) if name}
        return LockedModel(
            name=model.name,
            config=config,
            sha256=sha256(canonical_json(parts)),
            parts=parts,
            plugins=sorted({CORE, *model.plugins(), *self._shippers(model.source)}),
            weights=sorted(weights),
        )

    def _environment(self) -> dict[str, str]:
        versions = {name: self._installed[name] for name in PACKAGES if name in self._installed}
        return {"python": platform.python_version(), **versions}

    def _plugin(self, name: str) -> LockedPlugin | None:
        catalog = self._workspace.catalog
        if name not in self._installed or name in {row.distribution for row in catalog.disabled}:
            return None
        own = [row for row in (*catalog.rows, *catalog.shape_rules) if row.distribution == name]
        entry_points: dict[str, dict[str, str]] = {}
        for row in sorted(own, key=lambda row: (row.kind, row.name)):
            if row.kind != PLUGIN_KIND:
                entry_points.setdefault(f"zoo.{row.kind}", {})[row.name] = row.target
        targets = [target for group in entry_points.values() for target in group.values()]
        files = code_files(name, [target.partition(":")[0] for target in targets])
        return LockedPlugin(
            name=name,
            version=self._installed[name],
            editable=is_editable(name),
            sha256=sha256(canonical_json(files)),
            entry_points=entry_points,
            files=files,
        )

    def _shippers(self, source: Source) -> set[str]:
        """Names the plugins that ship a config, or one that it extends."""
        origins = [source.origin]

        def noting(name: str) -> Source:
            found = find_model(name, self._workspace.catalog, self._workspace.registry)
            origins.append(found.origin)
            return found

        config_files(source, noting)
        shipped = [origin for origin in origins if origin and not origin.endswith(".toml")]
        return {origin.partition("/")[0] for origin in shipped}

    def _weights(self, versions: Iterable[str]) -> tuple[list[LockedWeights], list[Finding]]:
        found: dict[str, LockedWeights] = {}
        findings: list[Finding] = []
        waiting = list(versions)
        seen: set[str] = set()
        while waiting:
            version = waiting.pop()
            if version not in seen:
                seen.add(version)
                try:
                    entry = self._version(version)
                except ZooError as error:
                    findings += error.findings
                    continue
                if entry is not None:
                    found[version] = entry
                    waiting += entry.weights
        return [found[version] for version in sorted(found)], findings

    def _version(self, version: str) -> LockedWeights | None:
        registry = self._workspace.known_registry
        listed = {entry.reference: entry for entry in registry.weights}
        entry = listed.get(version)
        if entry is None:
            return None
        return LockedWeights(
            version=version,
            sha256=entry.sha256,
            config_sha256=entry.config_sha256,
            status=entry.status,
            plugins=sorted({CORE, *entry.plugins}),
            weights=_versions_in(checked_config(registry, entry)),
        )


def _versions_in(resolved: Path) -> list[str]:
    """Lists the versions that a resolved config is made of; there they are complete."""
    found: set[str] = set()
    for layer in read_toml(resolved).get("layers", []):
        type_ = str(layer.get("type", ""))
        found |= {type_.removeprefix(MODEL_PREFIX)} if type_.startswith(MODEL_PREFIX) else set()
        found |= {layer["weights"]} if isinstance(layer.get("weights"), str) else set()
    return sorted(found)
