"""A look into the source of a component, without importing it."""

import ast
from dataclasses import dataclass
from pathlib import Path

from zoo.catalog.discovery import package_folder
from zoo.components import Component

_MOST_HOPS = 8


@dataclass(frozen=True, slots=True)
class SourceCard:
    """What the source says about a component.

    Attributes:
        file: The file that defines it.
        line: The line of its definition.
        arguments: Each argument with its default as written; None where it has none.
        docstring: Its docstring.
    """

    file: str
    line: int
    arguments: dict[str, str | None]
    docstring: str


def read_source(component: Component) -> SourceCard | None:
    """Finds where a component is defined, following re-exports, and reads its signature.

    Returns:
        None where the source cannot be found, as for a compiled module.
    """
    module, _, name = component.target.partition(":")
    for _ in range(_MOST_HOPS):
        file = _file_of(module)
        if file is None:
            return None
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            return None
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
                return _card(node, file)
        hop = _imported_from(tree, name, module, is_package=file.name == "__init__.py")
        if hop is None:
            return None
        module, name = hop
    return None


def _file_of(module: str) -> Path | None:
    package = package_folder(module)
    if package is not None and (package / "__init__.py").is_file():
        return package / "__init__.py"
    parent, _, last = module.rpartition(".")
    if not parent:
        from importlib.util import find_spec

        spec = find_spec(module)
        return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None
    folder = package_folder(parent)
    file = folder / f"{last}.py" if folder is not None else None
    return file if file is not None and file.is_file() else None


def _imported_from(
    tree: ast.Module, name: str, module: str, *, is_package: bool
) -> tuple[str, str] | None:
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                up = node.level - (1 if is_package else 0)
                base = module.split(".")[: len(module.split(".")) - up] if node.level else []
                return ".".join([*base, *([node.module] if node.module else [])]), alias.name
    return None


def _card(node: ast.ClassDef | ast.FunctionDef, file: Path) -> SourceCard:
    function: ast.FunctionDef | None = node if isinstance(node, ast.FunctionDef) else None
    if isinstance(node, ast.ClassDef):
        function = next(
            (n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None
        )
    arguments = _arguments(function.args) if function is not None else {}
    arguments.pop("self", None)
    return SourceCard(str(file), node.lineno, arguments, ast.get_docstring(node) or "")


def _arguments(spec: ast.arguments) -> dict[str, str | None]:
    positional = [*spec.posonlyargs, *spec.args]
    missing = len(positional) - len(spec.defaults)
    defaults: list[ast.expr | None] = [*([None] * missing), *spec.defaults]
    pairs = [
        *zip(positional, defaults, strict=True),
        *zip(spec.kwonlyargs, spec.kw_defaults, strict=True),
    ]
    return {arg.arg: ast.unparse(default) if default else None for arg, default in pairs}
