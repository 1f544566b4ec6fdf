"""Weights by version: into a model that was built for them, checked on the way."""

import json
from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import installed_versions
from zoo.checks import check_source
from zoo.config.compose import Source
from zoo.errors import Finding, PluginError, RegistryError
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.tensors import Tensors
from zoo.registry.verification import checked_config, missing_plugins, read_weights
from zoo.resolve import ResolvedModel
from zoo.runs import open_run
from zoo.runtime.builder import Builder
from zoo.runtime.fingerprint import canonical_graph, differences, fingerprint


class Shelf:
    """Builds models of the zoo with their weights.

    Args:
        registry: The zoo's registry.
        catalog: The installed components.
    """

    def __init__(self, registry: Registry | None, catalog: Catalog) -> None:
        self._registry = registry
        self._catalog = catalog

    def resolved(self, reference: str) -> ResolvedModel:
        """Resolves the config that a version was made by."""
        return self._resolved(self._entry(reference))

    def load(self, reference: str) -> Any:
        """Gives the compiled Keras model of a version, with its weights.

        Raises:
            RegistryError: If it is unknown, damaged, or not what it was when it was published.
            PluginError: If a plugin that it is made of is missing or broken.
        """
        return self.of_version(reference)[1]

    def reference(self, reference: str) -> str:
        """Completes `name` or `name@1` to the version that it means."""
        return self._entry(reference).reference

    def of_version(self, reference: str) -> tuple[ResolvedModel, Any]:
        """Gives the resolved config and the loaded model of a version."""
        entry = self._entry(reference)
        model = self._resolved(entry)
        return model, self._loaded(entry, model)

    def of_run(self, folder: str) -> tuple[ResolvedModel, Any]:
        """Gives the resolved config and the model of a run, as its last good state has it."""
        run = open_run(folder)
        model = check_source(run.source, self._catalog, lambda: self._registry).usable
        built = self.build(model)
        tensors = run.weights()
        assign(built, tensors, folder)
        return model, built

    def build(self, model: ResolvedModel) -> Any:
        """Builds a model of a config; versions that it names are loaded."""
        return self.builder(model).build()

    def builder(self, model: ResolvedModel) -> Builder:
        """Gives what builds a model of a config, for who wants to see more than the model."""
        return Builder(model, self.load)

    def graph(self, model: ResolvedModel, built: Any) -> dict[str, Any]:
        """Writes a built model's graph as plain data."""
        return canonical_graph(model, built, lambda name: self._entry(name).fingerprint)

    def _entry(self, reference: str) -> WeightsEntry:
        if self._registry is None:
            raise RegistryError(
                f"{reference!r} needs a zoo, and there is no registry.toml here or above",
                "unknown-model",
                suggestion="go to a folder of a zoo, or name one with --zoo DIR or ZOO_ROOT",
            )
        return self._registry.find(reference)

    def _resolved(self, entry: WeightsEntry) -> ResolvedModel:
        registry = self._known_registry()
        missing = missing_plugins(entry, installed_versions())
        if missing:
            findings = [
                Finding(
                    "plugin-missing",
                    f"{entry.reference} is made of {name}, which is not installed",
                    suggestion=f"pip install '{name}=={entry.plugins[name]}'",
                )
                for name in missing
            ]
            raise PluginError.of(findings)
        path = checked_config(registry, entry)
        source = Source(path, registry.root, resolved=True)
        return check_source(source, self._catalog, lambda: registry).usable

    def _loaded(self, entry: WeightsEntry, model: ResolvedModel) -> Any:
        registry = self._known_registry()
        content = read_weights(registry, entry)
        built = self.build(model)
        graph = self.graph(model, built)
        if fingerprint(graph) != entry.fingerprint:
            old = json.loads(content.metadata.get("graph", "{}"))
            raise _other_graph(entry, differences(old, graph))
        assign(built, content.tensors, entry.reference)
        return built

    def _known_registry(self) -> Registry:
        assert self._registry is not None  # an entry came from it
        return self._registry


def assign(model: Any, tensors: Tensors, what: str) -> None:
    """Puts arrays into a model's variables, each by its path.

    Raises:
        RegistryError: If a path, shape or dtype differs; then nothing is changed.
    """
    variables = {variable.path: variable for variable in model.weights}
    wrong = [f"{path} is not in the model" for path in tensors if path not in variables]
    for path, variable in variables.items():
        array = tensors.get(path)
        if array is None:
            wrong.append(f"{path} is missing")
        elif array.shape != tuple(variable.shape) or str(array.dtype) != str(variable.dtype):
            wrong.append(
                f"{path} is {array.dtype} {array.shape}, the model's is {variable.dtype} "
                f"{tuple(variable.shape)}"
            )
    if wrong:
        raise RegistryError(
            f"the weights of {what} do not fit the model: {'; '.join(wrong)}",
            "fingerprint-mismatch",
        )
    for path, variable in variables.items():
        variable.assign(tensors[path])


def _other_graph(entry: WeightsEntry, changes: list[str]) -> RegistryError:
    lines = "; ".join(changes[:20]) or "the graph it was made by is not recorded"
    return RegistryError(
        f"{entry.reference} was made by another graph than its config gives here: {lines}",
        "fingerprint-mismatch",
        suggestion="install what made it: "
        + ", ".join(f"{n} {v}" for n, v in {**entry.plugins, "keras": entry.keras}.items()),
    )
