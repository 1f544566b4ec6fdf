"""Weights by version: into a model that was built for them, checked on the way."""

import json
import sys
from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import installed_versions
from zoo.checks import check_source
from zoo.config.compose import Source
from zoo.errors import PluginError, RegistryError
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.tensors import Tensors
from zoo.registry.verification import checked_config, missing_plugins, read_weights
from zoo.resolve import ResolvedModel
from zoo.runs import open_run
from zoo.runtime.builder import Builder
from zoo.runtime.fingerprint import canonical_graph, differences, inference_graph
from zoo.store.fetching import fetch_where_missing


class Shelf:
    """Builds models of the zoo with their weights.

    Args:
        registry: The zoo's registry.
        catalog: The installed components.
        accept_harmless: Whether weights may be of a graph that differs from their model's in what
            no prediction depends on, such as the rate of a dropout.
    """

    def __init__(
        self, registry: Registry | None, catalog: Catalog, *, accept_harmless: bool = False
    ) -> None:
        self._registry = registry
        self._catalog = catalog
        self._accept_harmless = accept_harmless
        self._cautioned: set[str] = set()

    @property
    def catalog(self) -> Catalog:
        """The installed components."""
        return self._catalog

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
        self._caution(entry)
        model = self._resolved(entry)
        return model, self._loaded(entry, model)

    def of_run(self, folder: str) -> tuple[ResolvedModel, Any]:
        """Gives the resolved config and the model of a run, as its last good state has it."""
        run = open_run(folder)
        model = check_source(run.source, self._catalog, lambda: self._registry).usable
        built = self.build(model)
        tensors = run.weights()
        self.compare(run.facts["graph"], self.graph(model, built), folder, _SAME_CONFIG)
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

    def plugins(self, model: ResolvedModel) -> dict[str, str]:
        """Gives the version of each plugin that a model, or a version inside it, is made of."""
        inside = [self._entry(node.model) for node in model.nodes if node.model is not None]
        names = {name for entry in inside for name in entry.plugins}
        installed = installed_versions() if names else {}
        return {**{name: installed[name] for name in sorted(names)}, **model.plugins()}

    def compare(
        self, of_weights: dict[str, Any], of_model: dict[str, Any], what: str, remedy: str
    ) -> None:
        """Refuses weights of another graph than that of the model that they are to go into.

        Args:
            of_weights: The canonical graph that the weights were made by.
            of_model: That of the model.
            what: What to call the weights.
            remedy: What to do about a difference.

        Raises:
            RegistryError: `fingerprint-mismatch`, with the difference per node and variable.
        """
        if of_weights == of_model:
            return
        harmless = inference_graph(of_weights) == inference_graph(of_model)
        if harmless and self._accept_harmless:
            return
        lines = "; ".join(differences(of_weights, of_model)[:20])
        accept = "; no prediction depends on this: --accept-harmless takes them as they are"
        raise RegistryError(
            f"{what} was made by another graph than its model has here: "
            f"{lines or 'the graph it was made by is not recorded'}",
            "fingerprint-mismatch",
            suggestion=f"{remedy}{accept if harmless else ''}",
        )

    def _entry(self, reference: str) -> WeightsEntry:
        if self._registry is None:
            raise RegistryError(
                f"{reference!r} needs a zoo, and there is no registry.toml here or above",
                "unknown-model",
                suggestion="go to a folder of a zoo, or name one with --zoo DIR, ZOO_ROOT or, "
                'in Python, zoo="DIR"',
            )
        return self._registry.find(reference)

    def _caution(self, entry: WeightsEntry) -> None:
        caution = self._known_registry().caution(entry)
        if caution is not None and entry.reference not in self._cautioned:
            self._cautioned.add(entry.reference)
            print(caution, file=sys.stderr)

    def _resolved(self, entry: WeightsEntry) -> ResolvedModel:
        registry = self._known_registry()
        if missing := missing_plugins(entry, installed_versions()):
            raise PluginError.of(missing)
        fetch_where_missing(registry, entry)
        path = checked_config(registry, entry)
        source = Source(path, registry.root, resolved=True)
        return check_source(source, self._catalog, lambda: registry).usable

    def _loaded(self, entry: WeightsEntry, model: ResolvedModel) -> Any:
        registry = self._known_registry()
        content = read_weights(registry, entry)
        built = self.build(model)
        graph = self.graph(model, built)
        old = json.loads(content.metadata.get("graph", "{}"))
        makers = ", ".join(f"{n} {v}" for n, v in {**entry.plugins, "keras": entry.keras}.items())
        self.compare(old, graph, entry.reference, f"install what made it: {makers}")
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


_SAME_CONFIG = "restore the run's config.toml, and the versions that run.json names"
