"""What each installed plugin gives, and from where; read from metadata, nothing is imported."""

import configparser
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import installed_versions
from zoo.catalog.entry_points import GROUPS, PLUGIN_KIND
from zoo.components import Component, did_you_mean, normalized, singular
from zoo.errors import PluginError


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed distribution that registers components.

    Attributes:
        name: The distribution.
        version: Its version.
        location: The folder of its source if it is editable, otherwise where it is installed.
        editable: Whether a change of its source is seen without installing it again.
        rows: What it registers.
        disabled: Whether `ZOO_DISABLE_PLUGINS` leaves it out.
        shape_rules: The shape rules that it offers for its layers.
    """

    name: str
    version: str
    location: str
    editable: bool
    rows: tuple[Component, ...]
    disabled: bool = False
    shape_rules: tuple[Component, ...] = ()

    @property
    def status(self) -> Literal["ok", "conflict", "broken", "disabled"]:
        """The worst that is true of any of its components."""
        found = {row.status for row in self.problems}
        if self.disabled:
            return "disabled"
        return "broken" if "broken" in found else "conflict" if "conflict" in found else "ok"

    @property
    def problems(self) -> list[Component]:
        """The components that cannot be used by their bare name, or at all."""
        if self.disabled:
            return []
        # A rule belongs to the layer of its own plugin: two of one name are no conflict.
        rules = [rule for rule in self.shape_rules if rule.status == "broken"]
        return [*(row for row in self.rows if row.status != "ok"), *rules]

    @property
    def components(self) -> dict[str, list[str]]:
        """The names that it registers, by kind."""
        found: dict[str, list[str]] = {}
        for row in (*self.rows, *self.shape_rules):
            if row.kind != PLUGIN_KIND:
                found.setdefault(row.kind, []).append(row.name)
        return found

    def to_json(self) -> dict[str, Any]:
        """Gives the plugin as the command line's JSON has it."""
        own = {name: value for name, value in asdict(self).items() if name not in _NOT_IN_JSON}
        return {
            **own,
            "status": self.status,
            "components": self.components,
            "problems": [row.to_json() for row in self.problems],
        }


_NOT_IN_JSON = ("rows", "disabled", "shape_rules")


def installed_plugins(catalog: Catalog) -> list[Plugin]:
    """Gives every distribution that registers components, by name."""
    found = [*_plugins(catalog), *_plugins(catalog, disabled=True)]
    return sorted(found, key=lambda plugin: plugin.name)


def find_plugin(name: str, plugins: Iterable[Plugin]) -> Plugin:
    """Finds a plugin by its name, in whatever spelling.

    Raises:
        PluginError: `plugin-missing`.
    """
    by_name = {plugin.name: plugin for plugin in plugins}
    found = by_name.get(normalized(name))
    if found is not None:
        return found
    there = normalized(name) in installed_versions()
    raise PluginError(
        f"{name} registers no component" if there else f"no plugin {name!r} is installed",
        "plugin-missing",
        suggestion=_what_to_declare(name)
        if there
        else did_you_mean(normalized(name), by_name, "`zoo plugin list` shows what is installed"),
    )


def unknown_groups(distribution: str) -> dict[str, str]:
    """Gives the groups of a distribution's entry points that look like the zoo's and are not.

    Returns:
        The group that may be meant, in words, by each.
    """
    try:
        points = metadata.distribution(distribution).entry_points
        groups = {point.group for point in points}
    except (metadata.PackageNotFoundError, OSError, ValueError, configparser.Error):
        return {}
    looks = [group for group in groups if group.startswith("zoo.") and group not in GROUPS]
    fallback = f"there are {', '.join(GROUPS)}"
    return {group: did_you_mean(group, GROUPS) or fallback for group in sorted(looks)}


def _what_to_declare(distribution: str) -> str:
    wrong = [f"{group!r}: {hint}" for group, hint in unknown_groups(distribution).items()]
    return "; ".join(wrong) or "declare an entry point in its pyproject.toml and install it again"


def unmet_requirements(distribution: str, installed: dict[str, str]) -> list[str]:
    """Says which of a distribution's own requirements are not met here.

    Args:
        distribution: Its name.
        installed: The version of each installed distribution.

    Returns:
        A sentence for each, such as `"keras>=4 is required; 3.15.1 is installed"`.
    """
    try:
        texts = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    unmet = []
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            unmet.append(f"{text!r} is not a requirement")
            continue
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = installed.get(normalized(requirement.name))
        wanted = f"{requirement.name}{requirement.specifier}"
        if version is None:
            unmet.append(f"{wanted} is required and not installed")
        elif not requirement.specifier.contains(version, prereleases=True):
            unmet.append(f"{wanted} is required; {version} is installed")
    return unmet


def what_it_gives(plugin: Plugin) -> str:
    """Says what a plugin gives in a few words, such as `2 layers, 1 loss`."""
    counts = [
        f"{len(names)} {kind if len(names) > 1 else singular(kind)}"
        for kind, names in plugin.components.items()
    ]
    return ", ".join(counts) or "nothing"


def _plugins(catalog: Catalog, *, disabled: bool = False) -> list[Plugin]:
    by_distribution: dict[str, list[Component]] = {}
    for row in catalog.disabled if disabled else catalog.rows:
        by_distribution.setdefault(row.distribution, []).append(row)
    plugins = []
    for name, own in by_distribution.items():
        rules = tuple(rule for rule in catalog.shape_rules if rule.distribution == name)
        plugins.append(Plugin(name, own[0].version, *_origin(name), tuple(own), disabled, rules))
    return plugins


def _origin(name: str) -> tuple[str, bool]:
    """Finds where a distribution is installed, and whether that is editable."""
    try:
        found = metadata.distribution(name)
        place = str(found.locate_file(""))
        direct = json.loads(found.read_text("direct_url.json") or "{}")
        url = urlsplit(str(direct.get("url", "")))
        editable = bool(direct.get("dir_info", {}).get("editable"))
        return (str(Path(unquote(url.path))), True) if editable else (place, False)
    except (metadata.PackageNotFoundError, OSError, ValueError, AttributeError):
        return "", False
