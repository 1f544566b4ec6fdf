"""Names followed through source files to what defines them; nothing is imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from zoo.catalog.modules import module_file

_MOST_HOPS = 32
_MADE_AT_IMPORT = "tensorflow.keras"
"""TensorFlow's Keras has no source of its own: it is Keras."""


@dataclass(frozen=True, eq=False)
class Module:
    """A source file, parsed.

    Attributes:
        name: Its dotted name.
        file: The file.
        tree: What stands in it.
    """

    name: str
    file: Path
    tree: ast.Module

    @cached_property
    def bindings(self) -> dict[str, list[ast.stmt]]:
        """The statements at the top level that give each name its meaning."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in _top_level(self.tree.body):
            for name in _names_bound(statement):
                found.setdefault(name, []).append(statement)
        return found

    def absolute(self, statement: ast.ImportFrom) -> str:
        """Gives the module that a `from` import names, relative ones included."""
        if not statement.level:
            return statement.module or ""
        parts = self.name.split(".")
        up = statement.level - (1 if self.file.name == "__init__.py" else 0)
        base = parts[: len(parts) - up]
        return ".".join([*base, *([statement.module] if statement.module else [])])


@dataclass(frozen=True, eq=False)
class Definition:
    """A class or function where it is defined.

    Attributes:
        node: Its statement.
        module: The module that it stands in.
    """

    node: ast.ClassDef | ast.FunctionDef
    module: Module

    @property
    def place(self) -> str:
        """The file and line."""
        return f"{self.module.file}:{self.node.lineno}"

    @property
    def package(self) -> str:
        """The top-level package that it belongs to."""
        return self.module.name.partition(".")[0]


class Unreadable(Exception):
    """The source does not tell what a name stands for; the message says why."""


@dataclass
class SourceTree:
    """Source files, each parsed once.

    Attributes:
        looked_for: The file of every module that was looked for; None where there is none.
    """

    looked_for: dict[str, Path | None] = field(default_factory=dict)
    _modules: dict[str, Module | None] = field(default_factory=dict)

    def definition(self, module: str, name: str) -> Definition:
        """Finds a class or function by module and dotted name, following re-exports.

        Raises:
            Unreadable: If it is made in another way than by a `class` or `def` statement.
        """
        found = self._in(self._opened(module), name.split("."), 0)
        if isinstance(found, Module):
            raise Unreadable(f"{module}.{name} is a module")
        return found

    def named(self, module: Module, expression: ast.expr) -> Definition:
        """Finds what an expression such as `keras.layers.Layer` means in a module.

        Raises:
            Unreadable: If the source does not tell.
        """
        parts = _dotted(expression)
        if parts is None:
            raise Unreadable(f"`{ast.unparse(expression)}` is known only when it runs")
        found = self._in(module, parts, 0)
        if isinstance(found, Module):
            raise Unreadable(f"{'.'.join(parts)} is a module")
        return found

    def module(self, name: str) -> Module | None:
        """Parses a module's source; None where there is none."""
        if f"{name}.".startswith(f"{_MADE_AT_IMPORT}."):
            name = name.removeprefix("tensorflow.")
        if name not in self._modules:
            file = self.looked_for[name] = module_file(name)
            self._modules[name] = _parsed(name, file) if file is not None else None
        found = self._modules[name]
        self.looked_for[name] = found.file if found is not None else None
        return found

    def _opened(self, name: str) -> Module:
        module = self.module(name)
        if module is None:
            raise Unreadable(f"there is no source of {name}")
        return module

    def _in(self, module: Module, parts: list[str], hops: int) -> Definition | Module:
        if hops > _MOST_HOPS:
            raise Unreadable(f"{parts[0]} of {module.name} is imported in a circle")
        reason = f"{module.name} does not define {parts[0]}"
        for statement in module.bindings.get(parts[0], []):
            try:
                found = self._by(statement, module, parts[0], hops)
                return self._inside(found, parts[1:], hops)
            except Unreadable as error:
                reason = str(error)
        submodule = self.module(f"{module.name}.{parts[0]}")
        if submodule is not None:
            return self._inside(submodule, parts[1:], hops)
        for star in module.bindings.get("*", []):
            assert isinstance(star, ast.ImportFrom)
            origin = self.module(module.absolute(star))
            if origin is not None and parts[0] in origin.bindings:
                return self._in(origin, parts, hops + 1)
        raise Unreadable(reason)

    def _inside(
        self, found: Definition | Module, parts: list[str], hops: int
    ) -> Definition | Module:
        if not parts:
            return found
        if isinstance(found, Module):
            return self._in(found, parts, hops + 1)
        for statement in found.node.body:
            if isinstance(statement, ast.ClassDef) and statement.name == parts[0]:
                return self._inside(Definition(statement, found.module), parts[1:], hops)
        raise Unreadable(f"{found.node.name} does not define {parts[0]}")

    def _by(self, statement: ast.stmt, module: Module, name: str, hops: int) -> Definition | Module:
        """Follows one binding of a name."""
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            others = [s for s in module.bindings[name] if not isinstance(s, ast.ImportFrom)]
            if len(others) > 1:
                raise Unreadable(f"{module.name} defines {name} more than once")
            return Definition(statement, module)
        if isinstance(statement, ast.ImportFrom):
            return self._imported_from(statement, module, name, hops)
        if isinstance(statement, ast.Import):
            alias = next(a for a in statement.names if _bound_by(a) == name)
            return self._opened(alias.name if alias.asname else name)
        value = getattr(statement, "value", None)
        parts = _dotted(value) if value is not None else None
        if parts is None or len(module.bindings[name]) > 1:
            raise Unreadable(f"{name} of {module.name} is known only when it runs")
        return self._in(module, parts, hops + 1)

    def _imported_from(
        self, statement: ast.ImportFrom, module: Module, name: str, hops: int
    ) -> Definition | Module:
        alias = next(a for a in statement.names if _bound_by(a) == name)
        origin = module.absolute(statement)
        whole = f"{origin}.{alias.name}"
        if whole == _MADE_AT_IMPORT or (origin == module.name and alias.name == name):
            return self._opened(whole)  # a package imports its own submodule
        opened = self.module(origin)
        if opened is None:
            return self._opened(whole)
        return self._in(opened, [alias.name], hops + 1)


def _parsed(name: str, file: Path) -> Module:
    try:
        return Module(name, file, ast.parse(file.read_bytes()))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{file} cannot be read: {error}") from error


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        for part in ("body", "handlers", "orelse", "finalbody"):
            if not isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in getattr(statement, part, []):
                    nested = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    yield from _top_level(nested)


def _names_bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [_bound_by(alias) for alias in statement.names]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def _bound_by(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _dotted(expression: ast.expr) -> list[str] | None:
    if isinstance(expression, ast.Subscript):  # Generic[T]
        return _dotted(expression.value)
    parts: list[str] = []
    while isinstance(expression, ast.Attribute):
        parts.append(expression.attr)
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return None
    return [expression.id, *reversed(parts)]
