"""What a command works with: the catalog, and the zoo that it was called in."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import find_components
from zoo.errors import Finding, ZooError
from zoo.registry.root import find_root, no_registry

if TYPE_CHECKING:  # what only some commands need is imported where they need it
    from zoo.checks import Checked
    from zoo.config.compose import Source
    from zoo.registry.document import Registry
    from zoo.resolve import ResolvedModel


@dataclass(frozen=True)
class Workspace:
    """The installed components and the zoo at hand.

    Attributes:
        zoo: The folder that the user named; None looks for one.
    """

    zoo: str | Path | None = None

    @cached_property
    def catalog(self) -> Catalog:
        """Every component that the installed plugins register."""
        return find_components()

    @cached_property
    def root(self) -> Path | None:
        """The zoo root; None where there is no zoo."""
        return find_root(self.zoo)

    @cached_property
    def registry(self) -> "Registry | None":
        """The registry; None where there is no zoo.

        Raises:
            RegistryError: If it is damaged.
        """
        if self.root is None:
            return None
        from zoo.registry.document import read_registry

        return read_registry(self.root)

    @property
    def known_registry(self) -> "Registry":
        """The registry, which has to be there.

        Raises:
            RegistryError: If there is no zoo, or its registry is damaged.
        """
        if self.registry is None:
            raise no_registry("there is no registry.toml here or above")
        return self.registry

    def source(self, file: str | Path) -> "Source":
        """Finds the config that a path or a model's name means."""
        from zoo.sources import looks_like_a_path, path_source

        if looks_like_a_path(str(file)):
            return path_source(str(file), self.root)
        return self._model(str(file))

    @contextmanager
    def pointing(
        self, source: "Source", overrides: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Gives the errors that are raised inside their line and column in a config."""
        try:
            yield
        except ZooError as error:
            error.findings = tuple(self.located(error.findings, source, overrides))
            raise

    def located(
        self,
        findings: Iterable[Finding],
        source: "Source",
        overrides: Mapping[str, Any] | None = None,
    ) -> list[Finding]:
        """Gives findings their line and column in a config."""
        from zoo.config.locate import located

        return located(findings, source, self._model, overrides)

    def origins(
        self, model: "ResolvedModel", overrides: Mapping[str, Any] | None = None
    ) -> dict[str, str]:
        """Says of each value of a resolved model where it comes from.

        Args:
            model: The resolved model.
            overrides: What `--set` gave, by dotted key.

        Returns:
            By dotted key `file:line`, `--set KEY` or `default`; nothing where a file has gone.
        """
        from zoo.config.origins import read_origins
        from zoo.resolve.settings import settings

        try:
            found = read_origins(model.document, model.source, overrides or {}, self._model)
        except (ZooError, OSError, ValueError):  # a report without it is better than no training
            return {}
        return {key: found.of(key) for key in settings(model)}

    def _model(self, name: str) -> "Source":
        from zoo.sources import find_model

        return find_model(name, self.catalog, self.registry)

    def check(self, file: str | Path, overrides: Mapping[str, Any] | None = None) -> "Checked":
        """Reads and checks a config without Keras."""
        from zoo.checks import Checked, check_source

        try:
            source = self.source(file)
        except ZooError as error:
            return Checked(None, list(error.located(file=str(file)).findings))
        return check_source(source, self.catalog, lambda: self.registry, overrides)
