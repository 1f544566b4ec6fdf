"""Components that nothing installed here has, but a plugin that the zoo names."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.catalog.discovery import installed_versions
from zoo.components import normalized
from zoo.config.reader import MAX_BYTES
from zoo.errors import ConfigError, PluginError, ZooError
from zoo.files import read_bytes

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import OpenRegistry, Registry


class MissingPlugins:
    """Knows which plugins a zoo names that are not installed, and what they have.

    The registry lists the plugins that its models require and those that made each version;
    what a plugin has, the configs of the zoo say, where they name it with its distribution.

    Args:
        registry: Gives the zoo's registry, where there is one.
    """

    def __init__(self, registry: "OpenRegistry") -> None:
        self._registry = registry

    def explained(self, error: ZooError, name: str) -> ZooError:
        """Puts the plugin that has to be installed into an error about an unknown name."""
        (finding,) = error.findings
        if finding.code != "unknown-component" or not self._requirements:
            return error
        distribution, _, bare = name.rpartition("/")
        owner = normalized(distribution) if distribution else self._owner(bare)
        if owner in self._requirements:
            return PluginError(
                f'"{name}" is provided by {owner}, which is not installed',
                "plugin-missing",
                suggestion=f"install it with: pip install '{self._requirements[owner]}'",
            )
        if not str(finding.suggestion).startswith("`zoo list"):
            return error
        return ConfigError(finding.message, finding.code, suggestion=self.hint)

    @property
    def hint(self) -> str | None:
        """Says which plugins may have something, where some are not installed."""
        if not self._requirements:
            return None
        wanted = " or ".join(self._requirements)
        commands = " ".join(f"'{requirement}'" for requirement in self._requirements.values())
        return f"{wanted} may have it, which this zoo names: pip install {commands}"

    @cached_property
    def _known(self) -> "Registry | None":
        try:
            return self._registry()
        except ZooError:  # what is wrong with it is said where it is needed
            return None

    @cached_property
    def _requirements(self) -> dict[str, str]:
        """What to install, by the name of each plugin that is not."""
        if self._known is None:
            return {}
        found: dict[str, str] = {}
        for entry in self._known.weights:
            found |= {normalized(n): f"{n}=={version}" for n, version in entry.plugins.items()}
        found |= {normalized(p.name): f"{p.name}{p.requires}" for p in self._known.plugins}
        installed = installed_versions()
        return {name: wanted for name, wanted in found.items() if name not in installed}

    def _owner(self, bare: str) -> str:
        names = {f"{owner}/{bare}".encode(): owner for owner in self._requirements}
        for text in self._configs:
            for qualified, owner in names.items():
                if b'"' + qualified + b'"' in text:
                    return owner
        return ""

    @cached_property
    def _configs(self) -> list[bytes]:
        assert self._known is not None  # it said which plugins are missing
        kept = [entry.config for entry in reversed(self._known.weights)]
        texts = []
        for config in dict.fromkeys([*kept, *(entry.config for entry in self._known.models)]):
            if config.endswith(".toml"):
                try:
                    path: Path = self._known.path(config)
                    texts.append(read_bytes(path, limit=MAX_BYTES))
                except ZooError:  # a version may be damaged; another may tell
                    continue
        return texts
