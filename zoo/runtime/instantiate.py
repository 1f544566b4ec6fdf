"""Parts of a resolved model to Keras objects."""

import contextlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from zoo.catalog.cards import NUMBER
from zoo.catalog.catalog import broken
from zoo.catalog.discovery import CORE
from zoo.components import Component, paths_in
from zoo.errors import ConfigError, Finding, ZooError, error_of, in_one_line
from zoo.files import safe_path
from zoo.resolve import Part
from zoo.resolve.arguments import argument_findings
from zoo.runtime.loading import load_target
from zoo.runtime.signatures import card_of, parameters_of
from zoo.runtime.with_arguments import WithArguments

_CLASSES = {
    "layers": keras.Layer,
    "optimizers": keras.optimizers.Optimizer,
    "callbacks": keras.callbacks.Callback,
}
_FUNCTION_KINDS = ("losses", "metrics", "activations")


class Instantiator:
    """Makes objects of parts.

    Args:
        file: The config, for errors.
        folder: The folder that paths in arguments are relative to.
        root: The folder that they may not leave.

    Attributes:
        file: The config.
    """

    def __init__(self, file: Path, folder: Path, root: Path) -> None:
        self.file = file
        self._folder = folder
        self._root = root
        self._targets: dict[Component, Callable[..., Any]] = {}

    def target(self, component: Component) -> Callable[..., Any]:
        """Gives the class or function of a component, imported once."""
        if component not in self._targets:
            target = load_target(component)
            wanted = _CLASSES.get(component.kind)
            if wanted and not (inspect.isclass(target) and issubclass(target, wanted)):
                reason = f"{component.target} is not a class of keras.{wanted.__name__}"
                raise broken(component, reason)
            self._targets[component] = target
        return self._targets[component]

    def check(self, *parts: Part) -> None:
        """Imports parts, and checks the arguments that only an import can tell; calls nothing.

        Raises:
            ConfigError: With every argument that is unknown, missing or ill-typed.
            PluginError: If one cannot be imported.
        """
        findings = [finding for part in parts for finding in self._argument_findings(part)]
        if findings:
            raise error_of([finding.at(file=str(self.file)) for finding in findings])

    def make(self, part: Part, **extra: Any) -> Any:
        """Makes the object: an instance of a class, or a function with its arguments bound.

        Args:
            part: The component and its arguments.
            **extra: Further arguments, left out where the class does not take them.
        """
        self.check(part)
        target = self.target(part.component)
        arguments = self.arguments(part)
        if not inspect.isclass(target) and part.component.kind in _FUNCTION_KINDS:
            return WithArguments(target, arguments) if arguments else target
        known = parameters_of(target)
        arguments |= {name: value for name, value in extra.items() if name in known}
        return self._guarded(part, lambda: target(**arguments))

    def call(self, part: Part, *positional: Any, **by_name: Any) -> Any:
        """Calls a dataset, loop or evaluator with what the zoo supplies and its arguments.

        Args:
            part: The component and its arguments.
            *positional: What the zoo supplies, whatever it is called there.
            **by_name: What it supplies to a parameter of that name, where there is one.
        """
        self.check(part)
        target = self.target(part.component)
        known = parameters_of(target)
        supplied = {name: value for name, value in by_name.items() if name in known}
        return target(*positional, **self.arguments(part), **supplied)

    def arguments(self, part: Part) -> dict[str, Any]:
        """Gives a part's arguments with nested parts made and paths resolved."""
        return {
            name: self._value(_as_wanted(part, name, value), set(paths_in(name, value)))
            for name, value in part.arguments.items()
        }

    def _value(self, value: Any, paths: set[str]) -> Any:
        if isinstance(value, Part):
            return self.make(value)
        if isinstance(value, dict):
            return {k: self._value(item, set(paths_in(k, item))) for k, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, paths) for item in value]
        if isinstance(value, str) and value in paths:
            return str(safe_path(value, folder=self._folder, root=self._root))
        return value

    def _argument_findings(self, part: Part) -> list[Finding]:
        findings: list[Finding] = []
        stack = [part]
        while stack:
            item = stack.pop()
            target = self.target(item.component)
            # What a card tells was held against it before anything was imported.
            if item.card.unknown:
                findings += argument_findings(item, card_of(target))
            stack += [value for value in item.arguments.values() if isinstance(value, Part)]
        return findings

    def _guarded(self, part: Part, make: Callable[[], Any]) -> Any:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return make()
        except (ZooError, KeyboardInterrupt):
            raise
        except Exception as error:  # a plugin may raise anything
            code = "wrong-type" if isinstance(error, TypeError) else "bad-value"
            raise self.refused(error, code, part) from error

    def refused(self, error: Exception, code: str, part: Part, doing: str = "") -> ZooError:
        """Words what a component's own code raised, with its place in the config.

        A `ValueError` or `TypeError` is about what the component was given; anything else that a
        plugin raises is the plugin's own fault.
        """
        component = part.component
        words = f"{doing}{in_one_line(error)}"
        if component.distribution != CORE and not isinstance(error, ValueError | TypeError):
            fault = broken(component, f"{type(error).__name__}: {words}")
            return fault.located(file=str(self.file), key=part.key)
        message = f'"{component.name}" ({component.distribution}) refuses this: {words}'
        return ConfigError(message, code, file=str(self.file), key=part.key)


def _as_wanted(part: Part, name: str, value: Any) -> Any:
    """Gives an integer as a number where a number is wanted: Keras tells them apart."""
    argument = part.card.argument(name)
    if argument is None or type(value) is not int:
        return value
    is_a_number = argument.types == (NUMBER,) or argument.kind == "schedules"
    return float(value) if is_a_number else value
