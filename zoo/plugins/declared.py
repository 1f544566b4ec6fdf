"""What is wrong with what a plugin declares, seen without importing it."""

from collections.abc import Iterator

from zoo.catalog.discovery import CORE, installed_versions
from zoo.components import Component, did_you_mean
from zoo.plugins.installed import Plugin, unknown_groups, unmet_requirements
from zoo.rows import Row

_AGAIN = "in its pyproject.toml, and install it again"


def rows_of_metadata(plugin: Plugin) -> Iterator[Row]:
    """Looks at a plugin's entry points and requirements.

    Returns:
        A row for each thing that is wrong.
    """
    for row in plugin.problems:
        if row.status == "conflict":
            remedy = f'write "{row.qualified}" in configs, or rename one of the two'
            yield Row(row.name, "conflict", "error", row.reason, remedy)
        elif row.status == "broken":
            remedy = f"correct the entry point {_AGAIN}"
            yield Row(row.name, "entry point", "error", row.reason, remedy)
    for group, hint in unknown_groups(plugin.name).items():
        message = "the zoo knows no such group of entry points"
        yield Row(group, "group", "warning", message, f"{hint}: correct it {_AGAIN}")
    layers = [row.name for row in plugin.rows if row.kind == "layers"]
    rules = [rule for rule in plugin.shape_rules if rule.status != "broken"]
    yield from (_orphan(rule, layers) for rule in rules if rule.name not in layers)
    if plugin.name == CORE:
        return
    for sentence in unmet_requirements(plugin.name, installed_versions()):
        remedy = f"pip install --upgrade {plugin.name}"
        yield Row(plugin.name, "requirement", "warning", sentence, remedy)


def _orphan(rule: Component, layers: list[str]) -> Row:
    message = f"there is no layer {rule.name!r} in this plugin"
    remedy = did_you_mean(rule.name, layers) or "a shape rule has the name of its layer"
    return Row(rule.name, "shape rule", "warning", message, remedy)
