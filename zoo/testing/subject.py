"""The component that is put through its paces."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo.catalog.discovery import find_components
from zoo.components import KINDS, Component
from zoo.runtime.loading import load_target
from zoo.runtime.signatures import parameters_of
from zoo.runtime.with_arguments import WithArguments
from zoo.testing.kinds import kind_of, why_not

Arguments = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None
"""The arguments of a component, or a function that makes them."""


@dataclass(frozen=True)
class Subject:
    """A component, its arguments, and the seed that everything random comes from.

    Attributes:
        kind: Its kind.
        label: How messages call it.
        target: The class or function.
        make_arguments: Gives its arguments, made anew every time.
        seed: The seed.
        component: What it is registered as, where it is.
    """

    kind: str
    label: str
    target: Any
    make_arguments: Callable[[], Mapping[str, Any]]
    seed: int
    component: Component | None = None

    def make(self, **extra: Any) -> Any:
        """Makes the object as the builder does, from the same seed every time.

        Args:
            **extra: Further arguments, left out where the class does not take them.
        """
        keras.utils.set_random_seed(self.seed)
        arguments = self.arguments
        if not inspect.isclass(self.target):
            return WithArguments(self.target, arguments) if arguments else self.target
        target: Any = self.target
        known = parameters_of(target)
        extra = {name: value for name, value in extra.items() if name in known}
        return self.target(**{**arguments, **extra})

    @property
    def arguments(self) -> dict[str, Any]:
        """Its arguments."""
        return dict(self.make_arguments())

    @property
    def is_keras(self) -> bool:
        """Whether it is Keras's own."""
        return str(self.target.__module__).partition(".")[0] == "keras"

    @property
    def is_function(self) -> bool:
        """Whether it is a function rather than a class."""
        return not inspect.isclass(self.target)


def subject_of(component: Any, arguments: Arguments, kind: str | None, seed: int) -> Subject:
    """Finds what a caller means by a class, a function, or the name of a component.

    Raises:
        AssertionError: If it is not what a component of its kind has to be.
        ValueError: If its kind cannot be told.
    """
    row: Component | None
    if isinstance(component, str):
        row = _row(component, kind)
        kind, target = row.kind, load_target(row)
        label = f'"{row.name}" ({row.distribution} {row.version})'
    else:
        target = component
        label = str(getattr(component, "__name__", component))
        rows = _registered(component)
        kinds = {row.kind for row in rows}
        kind = kind or kind_of(component) or (kinds.pop() if len(kinds) == 1 else None)
        row = next((row for row in rows if row.kind == kind), None)
    if kind not in KINDS:
        raise ValueError(
            f"the kind of {label} is {kind!r}; the kit knows {', '.join(KINDS)}"
            if kind
            else f'say what {label} is: kind="losses", or another of {", ".join(KINDS)}'
        )
    if reason := why_not(kind, target):
        raise AssertionError(reason)
    return Subject(kind, label, target, _maker_of(arguments), seed, row)


def _maker_of(arguments: Arguments) -> Callable[[], Mapping[str, Any]]:
    if callable(arguments):
        return arguments
    fixed = dict(arguments or {})
    for name, value in fixed.items():
        if any(isinstance(leaf, keras.Layer) for leaf in keras.tree.flatten(value)):
            raise ValueError(
                f"{name!r} holds a layer, which would be one and the same in everything that is "
                "made here. Give the arguments as a function that makes them: "
                f"arguments=lambda: {{{name!r}: ...}}"
            )
    return lambda: fixed


def _row(name: str, kind: str | None) -> Component:
    catalog = find_components()
    if kind is not None:
        return catalog.find(kind, name)
    rows = [row for row in catalog.named(name) if row.kind in KINDS]
    if len({row.kind for row in rows}) > 1:
        kinds = " and ".join(row.kind for row in rows)
        raise ValueError(f"{name!r} is registered among {kinds}; say which one by `kind`")
    return catalog.find(rows[0].kind if rows else KINDS[0], name)


def _registered(target: Any) -> list[Component]:
    """Looks a class or function up among what is installed."""
    module, name = str(getattr(target, "__module__", "")), getattr(target, "__name__", "")
    top = module.partition(".")[0]
    found = []
    for row in find_components().rows:
        where, _, what = row.target.partition(":")
        if what == name and where.partition(".")[0] == top and row.kind in KINDS:
            found.append(row)
    return found
