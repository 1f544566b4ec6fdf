"""Components and their arguments, looked up in the catalog."""

from collections.abc import Iterable
from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import CORE
from zoo.components import ARGUMENT_KINDS, kind_of_argument
from zoo.config.names import implied_names
from zoo.config.schema import ComponentTable
from zoo.errors import Finding, ZooError
from zoo.resolve.arguments import argument_findings
from zoo.resolve.missing import MissingPlugins
from zoo.resolve.model import Part

_KERAS_OBJECT_KEYS = {"class_name", "registered_name"}


class Findings:
    """Collects what is wrong in one config instead of stopping at the first.

    Attributes:
        file: The config's file.
        found: What was found so far.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Finding] = []

    def say(self, code: str, message: str, key: str, suggestion: str | None = None) -> None:
        """Adds an error."""
        self.found.append(Finding(code, message, self.file, key=key, suggestion=suggestion))

    def warn(self, code: str, message: str, key: str, suggestion: str) -> None:
        """Adds what is odd but not wrong."""
        self.found.append(
            Finding(code, message, self.file, key=key, suggestion=suggestion, severity="warning")
        )

    def add(self, findings: Iterable[Finding]) -> None:
        """Adds findings that know their key."""
        self.found.extend(finding.at(file=self.file) for finding in findings)

    def forget(self, code: str) -> None:
        """Leaves out what only follows from something else that is wrong."""
        self.found = [finding for finding in self.found if finding.code != code]

    def take(self, error: ZooError, key: str) -> None:
        """Adds what an exception says; what is about another file has no key in this one."""
        for finding in error.findings:
            elsewhere = finding.file not in (None, self.file)
            self.found.append(finding if elsewhere else finding.at(file=self.file, key=key))

    def keys_and_those_above(self) -> set[str]:
        """Gives the keys of the errors so far, and of all that holds them."""
        found: set[str] = set()
        for finding in self.found:
            key = finding.key if finding.severity == "error" else None
            while key and key not in found:
                found.add(key)
                key = key.rpartition(".")[0]
        return found

    @property
    def wrong(self) -> bool:
        """Whether an error is among them."""
        return any(finding.severity == "error" for finding in self.found)


class PartResolver:
    """Turns component tables into parts.

    Args:
        catalog: The installed components.
        findings: Where to say what is wrong.
        missing: Knows the plugins that are not installed.
    """

    def __init__(self, catalog: Catalog, findings: Findings, missing: MissingPlugins) -> None:
        self._catalog = catalog
        self._findings = findings
        self._missing = missing

    def parts(self, kind: str, tables: list[Any], path: str) -> tuple[Part | None, ...]:
        """Resolves an array of tables, each under its name."""
        names = implied_names([{"type": table.type, "name": table.name} for table in tables])
        return tuple(
            self.part(kind, table, f"{path}.{name}")
            for table, name in zip(tables, names, strict=True)
        )

    def is_of_a_plugin(self, kind: str, name: str) -> bool:
        """Tells whether a name is registered by another distribution than the zoo itself."""
        try:
            return self._catalog.find(kind, name).distribution != CORE
        except ZooError:
            return False

    def part(self, kind: str, table: ComponentTable, key: str) -> Part | None:
        """Resolves one table; None if its name stands for nothing."""
        try:
            component = self._catalog.find(kind, table.type)
        except ZooError as error:
            self._findings.take(self._missing.explained(error, table.type), f"{key}.type")
            return None
        part = Part(
            component,
            {name: self._value(name, item, key) for name, item in table.arguments.items()},
            key,
            name=getattr(table, "name", None),
            needs=dict(getattr(table, "needs", {})),
            output=getattr(table, "output", None),
            card=self._catalog.card(component),
        )
        self._findings.add(argument_findings(part, part.card))
        return part

    def _value(self, name: str, value: Any, key: str) -> Any:
        place = f"{key}.{name}"
        kind = kind_of_argument(name)
        if isinstance(value, str) and kind in ARGUMENT_KINDS:
            return self._nested(kind, {"type": value}, place)
        if isinstance(value, list):
            return [self._value(name, item, key) for item in value]
        if not isinstance(value, dict):
            return value
        if _KERAS_OBJECT_KEYS & set(value):
            self._findings.say(
                "bad-value",
                f"{place} is a serialized Keras object, which is not loaded",
                place,
                "name a registered component with `type`",
            )
            return None
        if "type" in value:
            return self._nested(kind, value, place)
        return {inner: self._value(inner, item, place) for inner, item in value.items()}

    def _nested(self, kind: str | None, value: dict[str, Any], place: str) -> Part | None:
        try:
            table = ComponentTable.model_validate(value)
        except ValueError:
            self._findings.say("wrong-type", f"{place}.type is a component's name", f"{place}.type")
            return None
        kinds = [kind] if kind else sorted({row.kind for row in self._catalog.named(table.type)})
        if len(kinds) > 1:
            self._findings.say(
                "ambiguous-component",
                f'"{table.type}" is among the {" and the ".join(kinds)}',
                place,
            )
            return None
        return self.part(kinds[0] if kinds else "layers", table, place)
