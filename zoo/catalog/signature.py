"""The arguments of a constructor or function, read from its source.

A class that takes `**kwargs` takes what it hands on to its base, apart from what it fills in
itself; the source says which.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from zoo.catalog.source import Definition, SourceTree, Unreadable

KERAS_BASES = {
    "Layer": "keras.layers",
    "Loss": "keras.losses",
    "Metric": "keras.metrics",
    "Optimizer": "keras.optimizers",
    "Callback": "keras.callbacks",
}
"""The classes that tell what a component is for Keras."""

_TRANSPARENT = {
    "keras_export",
    "register_keras_serializable",
    "final",
    "runtime_checkable",
    "total_ordering",
    "no_automatic_dependency_tracking",
}
"""Decorators that leave the signature as it is."""

_KERAS = "keras"
_BACKEND = "keras.src.backend"
"""Keras mixes in the backend's classes, which hand everything on."""

_LOOKING = ("len", "sorted", "list", "set", "next", "iter", "bool")

_LAYER_KEYWORDS = ("activity_regularizer", "trainable", "dtype", "autocast", "name")
"""What passes through the `**kwargs` of Keras's own classes; the rest is a relic."""


@dataclass(frozen=True, slots=True)
class Found:
    """One argument as the source has it.

    Attributes:
        name: Its name.
        default: The expression of its default.
        required: Whether it has to be given.
        annotation: The expression of its type.
        positional: Whether it may be given by its position.
        owner: The class or function whose signature names it.
    """

    name: str
    default: ast.expr | None
    required: bool
    annotation: ast.expr | None
    positional: bool
    owner: Definition


@dataclass(frozen=True, slots=True)
class Signature:
    """Arguments, and whether there are more that cannot be named."""

    arguments: tuple[Found, ...]
    open: bool


def function_signature(definition: Definition) -> Signature:
    """Reads a function's own signature."""
    node = definition.node
    assert isinstance(node, ast.FunctionDef)
    _refuse_decorators(node)
    return Signature(tuple(_own(node, definition)), node.args.kwarg is not None)


def constructor_signature(definition: Definition, tree: SourceTree) -> Signature:
    """Reads what a class can be made with.

    Raises:
        Unreadable: If a base or decorator keeps the source from telling.
    """
    return _constructor(linearized(definition, tree), definition)


def base_of(classes: list[Definition | None], tree: SourceTree) -> str:
    """Tells what a class is for Keras, from its bases in order."""
    nodes = [found.node for found in classes if found is not None]
    for name, module in KERAS_BASES.items():
        try:
            if tree.definition(module, name).node in nodes:
                return name
        except Unreadable:  # without Keras nothing is one of its classes
            continue
    return ""


def method(classes: list[Definition | None], name: str) -> Definition | None:
    """Finds the method that a class has of a name, be it its own or a base's.

    Returns:
        The function, in the module of the class that defines it; None where that is not known.
    """
    for found in classes:
        if found is None:
            return None
        for statement in found.node.body:
            if name in _bound_in(statement):
                plain = isinstance(statement, ast.FunctionDef) and not statement.decorator_list
                return Definition(statement, found.module) if plain else None  # type: ignore[arg-type]
    return None


def parameters(definition: Definition) -> list[Found]:
    """Reads the parameters of a function or method, `self` left out."""
    node = definition.node
    assert isinstance(node, ast.FunctionDef)
    found = list(_own(node, definition))
    return found[1:] if found and found[0].name == "self" else found


def linearized(definition: Definition, tree: SourceTree) -> list[Definition | None]:
    """Gives a class and its bases in the order of Python's method resolution.

    A base that the source does not lead to is None.
    """
    memo: dict[ast.AST, list[Definition | None]] = {}
    return _linearized(definition, tree, memo, ())


def _linearized(
    definition: Definition,
    tree: SourceTree,
    memo: dict[ast.AST, list[Definition | None]],
    below: tuple[ast.AST, ...],
) -> list[Definition | None]:
    node = definition.node
    if node in below:
        raise Unreadable(f"{node.name} is a base of itself")
    if node not in memo:
        assert isinstance(node, ast.ClassDef)
        _refuse_decorators(node)
        lines: list[list[Definition | None]] = []
        for expression in node.bases:
            if _is(expression, "object"):
                continue
            base = _base(expression, definition, tree)
            if base is None:
                lines.append([None])
            elif not base.module.name.startswith(_BACKEND):
                lines.append(_linearized(base, tree, memo, (*below, node)))
        memo[node] = [definition, *_merged([*lines, [line[0] for line in lines]])]
    return memo[node]


def _base(expression: ast.expr, definition: Definition, tree: SourceTree) -> Definition | None:
    try:
        base = tree.named(definition.module, expression)
    except Unreadable:
        return None
    return base if isinstance(base.node, ast.ClassDef) else None


def _merged(lines: list[list[Definition | None]]) -> list[Definition | None]:
    # The rule is C3: the first head that is in nobody's tail.
    result: list[Definition | None] = []
    rest = [list(line) for line in lines if line]
    while rest:
        heads = [line[0] for line in rest]
        fits = [h for h in heads if not any(_same_in(h, line[1:]) for line in rest)]
        if not fits:
            raise Unreadable("its bases have no order")
        result.append(fits[0])
        node = _node(fits[0])
        rest = [line[1:] if _node(line[0]) is node else line for line in rest]
        rest = [line for line in rest if line]
    return result


def _node(found: Definition | None) -> ast.AST | None:
    return found.node if found is not None else None


def _same_in(head: Definition | None, line: list[Definition | None]) -> bool:
    return any(_node(head) is _node(other) for other in line)


def _constructor(classes: list[Definition | None], asked: Definition) -> Signature:
    for index, found in enumerate(classes):
        if found is None:
            raise Unreadable(f"the source of a base of {asked.node.name} is not known")
        for statement in found.node.body:
            bound = _bound_in(statement)
            if "__init__" in bound and isinstance(statement, ast.FunctionDef):
                return _with_bases(statement, found, classes[index + 1 :])
            if "__init__" in bound or ("__new__" in bound and found.package != _KERAS):
                raise Unreadable(f"{found.node.name} is made in a way of its own")
    return Signature((), open=False)


def _with_bases(
    node: ast.FunctionDef, owner: Definition, bases: list[Definition | None]
) -> Signature:
    _refuse_decorators(node)
    own = list(_own(node, owner))[1:]  # without self
    if node.args.kwarg is None:
        return Signature(tuple(own), open=False)
    use = _use_of(node.args.kwarg.arg, node)
    arguments = {found.name: found for found in own}
    for name, default in use.taken.items():
        # Taken out of the keywords by name: an argument all the same.
        if owner.package != _KERAS or name in _LAYER_KEYWORDS:
            arguments.setdefault(name, Found(name, default, False, None, False, owner))
    is_open = use.escapes and owner.package != _KERAS
    for call in use.handed_on:
        if not bases:
            continue  # object takes none
        try:
            further = _constructor(bases, owner)
        except Unreadable:
            is_open = True
            continue
        is_open = is_open or further.open
        filled = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
        positions = [a for a in call.args if not isinstance(a, ast.Starred)]
        positions = positions[0 if _is_super(call) else 1 :]
        rest = [f for f in further.arguments if f.positional][len(positions) :]
        rest += [f for f in further.arguments if not f.positional]
        sure = len(use.handed_on) == 1
        for found in rest:
            if found.name not in filled:
                given = replace(found, required=found.required and sure, positional=False)
                arguments.setdefault(found.name, given)
    return Signature(tuple(arguments.values()), is_open)


@dataclass(frozen=True, slots=True)
class _Use:
    """What a constructor does with the keywords that it does not name."""

    taken: dict[str, ast.expr | None]
    handed_on: list[ast.Call]
    escapes: bool


def _use_of(keywords: str, node: ast.FunctionDef) -> _Use:
    taken: dict[str, ast.expr | None] = {}
    handed_on: list[ast.Call] = []
    innocent: set[int] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if any(k.arg is None and _is(k.value, keywords) for k in inner.keywords):
                if _is_base_constructor(inner):
                    handed_on.append(inner)
                    innocent |= {id(k.value) for k in inner.keywords if k.arg is None}
            elif _is_method_of(inner.func, keywords, ("pop", "get", "setdefault")) and inner.args:
                name = inner.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    taken[name.value] = inner.args[1] if len(inner.args) > 1 else None
                    innocent.add(id(inner.func.value))  # type: ignore[attr-defined]
            elif _is_method_of(inner.func, keywords, ("keys",)):
                innocent.add(id(inner.func.value))  # type: ignore[attr-defined]
        innocent |= {id(name) for name in _only_looked_at(inner, keywords)}
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == keywords]
    # What is never looked at is accepted, whatever it is.
    escapes = not names or any(id(name) not in innocent for name in names)
    return _Use(taken, handed_on, escapes)


def _only_looked_at(node: ast.AST, keywords: str) -> Iterator[ast.expr]:
    """Gives the places where the keywords are tested or worded, which hands on nothing."""
    if isinstance(node, ast.If) and _is(node.test, keywords):
        yield node.test
    elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant):
        yield from (c for c in node.comparators if _is(c, keywords))
    elif isinstance(node, ast.FormattedValue) and _is(node.value, keywords):
        yield node.value
    elif isinstance(node, ast.Call) and any(_is(node.func, name) for name in _LOOKING):
        yield from (a for a in node.args if _is(a, keywords))


def _is(expression: ast.expr, name: str) -> bool:
    return isinstance(expression, ast.Name) and expression.id == name


def _is_method_of(function: ast.expr, owner: str, names: tuple[str, ...]) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in names
        and _is(function.value, owner)
    )


def _is_base_constructor(call: ast.Call) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr != "__init__":
        return False
    return _is_super(call) or (bool(call.args) and _is(call.args[0], "self"))


def _is_super(call: ast.Call) -> bool:
    holder = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(holder, ast.Call) and _is(holder.func, "super")


def _own(node: ast.FunctionDef, owner: Definition) -> Iterator[Found]:
    spec = node.args
    positional = [*spec.posonlyargs, *spec.args]
    missing = len(positional) - len(spec.defaults)
    for index, argument in enumerate(positional):
        default = spec.defaults[index - missing] if index >= missing else None
        yield Found(argument.arg, default, default is None, argument.annotation, True, owner)
    for argument, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        yield Found(argument.arg, default, default is None, argument.annotation, False, owner)


def _bound_in(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def _refuse_decorators(node: ast.ClassDef | ast.FunctionDef) -> None:
    for decorator in node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
        if name not in _TRANSPARENT:
            raise Unreadable(f"@{name} may change what {node.name} takes")
