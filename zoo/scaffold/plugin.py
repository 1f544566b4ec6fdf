"""A new plugin: a package that can be installed and passes its own tests at once."""

import keyword
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo import __version__
from zoo.catalog.modules import spec_of
from zoo.components import KINDS, MODELS, SHAPES, did_you_mean, normalized, singular, snake_case
from zoo.errors import ConfigError
from zoo.scaffold.templates import has_template, render, write_folder

DEFAULT_KINDS = ("losses",)

# PEP 508; PEP 625 and the wheel's file name then follow from the normalized spelling.
_DISTRIBUTION = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE)
_LONGEST_NAME = 48
_FUNCTIONS = ("datasets", "loops", "evaluators")
_RULED = ("layers",)  # they offer a shape rule, too


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """What was made.

    Attributes:
        folder: The folder of the project.
        distribution: The name that `pip` knows.
        package: The name that Python imports.
        components: The name of each component by its kind.
        example: The name of the model that it ships.
    """

    folder: Path
    distribution: str
    package: str
    components: dict[str, str]
    example: str


def new_plugin(name: str, kinds: Sequence[str], parent: Path) -> NewPlugin:
    """Writes the project folder of a plugin.

    Args:
        name: The name of the distribution.
        kinds: Which kinds of component it begins with.
        parent: The folder in which the project's own is made.

    Raises:
        ConfigError: If the name or a kind cannot be used, or the folder is there already.
        StorageError: If it cannot be written.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(
                f"there is no kind {kind!r} of component", suggestion=_kind_meant(kind)
            )
    distribution, package = _names(name)
    stem = package.removeprefix("zoo_") if package[4:5].isalpha() else package
    components = {kind: _component_name(kind, stem) for kind in dict.fromkeys(kinds)}
    example = f"{stem.replace('_', '-')}-example"
    made = NewPlugin(parent / distribution, distribution, package, components, example)
    write_folder(made.folder, _contents(made))
    return made


def _kind_meant(kind: str) -> str | None:
    if kind == MODELS:
        return "every plugin gets an example model; say the kinds of its components alone"
    if "," in kind:
        return f"repeat it: {' '.join(f'--kind {one.strip()}' for one in kind.split(','))}"
    return did_you_mean(kind, KINDS, f"one of {', '.join(KINDS)}")


def _names(name: str) -> tuple[str, str]:
    if not _DISTRIBUTION.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ConfigError(
            f"{name!r} cannot be the name of a package",
            suggestion=f"use at most {_LONGEST_NAME} letters, digits, `-`, `_` and `.`, with a "
            "letter or digit at both ends, such as zoo-waves",
        )
    distribution = normalized(name)
    package = distribution.replace("-", "_")
    if reason := _why_not_importable(package):
        raise ConfigError(
            f"the package of {name!r} would be imported as {package!r}, which {reason}",
            suggestion=f"choose another name, such as zoo-{distribution.lstrip('0123456789-')}",
        )
    return distribution, package


def _why_not_importable(package: str) -> str | None:
    if not package.isidentifier() or keyword.iskeyword(package):
        return "is not a name in Python"
    if package in sys.stdlib_module_names:
        return "is a module of Python's own"
    spec = spec_of(package)
    if spec is None:
        return None
    return f"is there already: {spec.origin or ', '.join(spec.submodule_search_locations or [])}"


def _component_name(kind: str, stem: str) -> str:
    word = singular(kind)
    stem = stem.removesuffix(f"_{kind}").removesuffix(f"_{word}")  # no WeightedLossLoss
    if kind in _FUNCTIONS:
        return f"{stem}_{word}"
    return "".join(part.capitalize() for part in [*stem.split("_"), word])


def _contents(made: NewPlugin) -> dict[str, str]:
    source = f"src/{made.package}"
    values = {
        "distribution": made.distribution,
        "package": made.package,
        "example": made.example,
        "summary": f"Components for the zoo, from {made.distribution}.",
        "zoo_version": __version__,
        "entry_points": "\n".join(_entry_point(made, kind) for kind in made.components),
        "table": "\n".join(_row(made, kind) for kind in made.components),
    }
    contents = {
        "pyproject.toml": render("plugin/common/pyproject.toml", values),
        "README.md": render("plugin/common/README.md", values),
        ".gitignore": render("plugin/common/gitignore"),
        f"{source}/__init__.py": render("plugin/common/init.py", values),
        f"{source}/models/__init__.py": render("plugin/common/models_init.py", values),
        f"{source}/models/{made.example}.toml": _example(made, values),
        "tests/test_package.py": render("plugin/common/test_package.py", values),
    }
    for kind, name in made.components.items():
        own = {**values, "name": name, "snake_name": snake_case(name)}
        contents[f"{source}/{kind}.py"] = render(f"plugin/{kind}/component.py", own)
        if kind in _RULED:
            contents[f"{source}/{SHAPES}.py"] = render(f"plugin/{kind}/{SHAPES}.py", own)
        contents[f"tests/test_{kind}.py"] = render(f"plugin/{kind}/test.py", own)
    return contents


def _example(made: NewPlugin, values: dict[str, str]) -> str:
    tables = {}
    for kind in KINDS:
        chosen = f"plugin/{kind}/{'config' if kind in made.components else 'default'}.toml"
        own = {"name": made.components.get(kind, "")}
        tables[kind] = render(chosen, own).strip() if has_template(chosen) else ""
    text = render("plugin/common/model.toml", {**values, **tables})
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _entry_point(made: NewPlugin, kind: str) -> str:
    name = made.components[kind]
    lines = [f'[project.entry-points."zoo.{kind}"]', f'{name} = "{made.package}.{kind}:{name}"', ""]
    if kind in _RULED:
        rule = f'{name} = "{made.package}.{SHAPES}:{snake_case(name)}"'
        lines += [f'[project.entry-points."zoo.{SHAPES}"]', rule, ""]
    return "\n".join(lines)


def _row(made: NewPlugin, kind: str) -> str:
    file = f"src/{made.package}/{kind}.py"
    return f"| {singular(kind)} | `{made.components[kind]}` | [`{file}`]({file}) |"
