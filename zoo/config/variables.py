"""`[vars]`: values that stand once and are named elsewhere as `${vars.name}`."""

import re
from typing import Any

from zoo.components import closest, did_you_mean
from zoo.config.names import Keys, Place
from zoo.errors import ConfigError, Finding

MAX_DEPTH = 32

_VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_-]+)\}")
_LIKE_A_VARIABLE = re.compile(r"\$\{ *(?:([A-Za-z0-9_-]+) *\. *)?([A-Za-z0-9_-]+) *\}?")


def interpolated(document: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Replaces every `${vars.name}` by what `[vars]` says, and takes `[vars]` out.

    A value that is nothing but a variable keeps the variable's type.

    Returns:
        The document, and a finding for every variable that stands for nothing.

    Raises:
        ConfigError: If a variable names itself in a circle, or the variables multiply each other
            beyond measure.
    """
    variables = document.pop("vars", {})
    if not isinstance(variables, dict):
        raise ConfigError("[vars] is a table", "wrong-type", key="vars")
    interpolation = _Interpolation(variables, Keys(document))
    for name in variables:
        interpolation.value_of(name, ())
    result: dict[str, Any] = interpolation.replaced(document, (), ())
    return result, interpolation.findings


class _Interpolation:
    """Replaces `${vars.name}`, each variable worked out once.

    The budget stops variables that multiply each other into a document too large to hold.
    """

    def __init__(self, variables: dict[str, Any], keys: Keys, budget: int = 1_000_000) -> None:
        self.variables = variables
        self.keys = keys
        self.budget = budget
        self.values: dict[str, Any] = {}
        self.findings: list[Finding] = []

    def value_of(self, name: str, chain: tuple[str, ...]) -> Any:
        if name in chain:
            cycle = " -> ".join((*chain[chain.index(name) :], name))
            raise ConfigError(f"variables name each other: {cycle}", "cycle", key=f"vars.{name}")
        if len(chain) > MAX_DEPTH:
            raise ConfigError("variables name each other too deeply", "too-large")
        if name not in self.values:
            place = ("vars", name)
            self.values[name] = self.replaced(self.variables[name], place, (*chain, name))
        return self.values[name]

    def replaced(self, value: Any, place: Place, chain: tuple[str, ...]) -> Any:
        self._spend(1, place)
        if isinstance(value, dict):
            return {name: self.replaced(v, (*place, name), chain) for name, v in value.items()}
        if isinstance(value, list):
            return [self.replaced(item, (*place, i), chain) for i, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            try:
                return self._text(value, place, chain)
            except ConfigError as error:
                raise error.located(key=self.keys.of(place)) from None
        return value

    def _text(self, text: str, place: Place, chain: tuple[str, ...]) -> Any:
        if self._stands_for_nothing(text, place):
            return text
        whole = _VARIABLE.fullmatch(text)
        if whole:
            return self._copy(self.value_of(whole[1], chain), place)
        result = _VARIABLE.sub(lambda match: _as_text(self.value_of(match[1], chain)), text)
        self._spend(len(result), place)
        return result

    def _stands_for_nothing(self, text: str, place: Place) -> bool:
        """Finds variables that are not there, and what was plainly meant to be one."""
        before = len(self.findings)
        for name in _VARIABLE.findall(text):
            if name not in self.variables:
                hint = did_you_mean(name, self.variables)
                self._say(f"there is no variable {name!r} in [vars]", hint, place)
        for match in _LIKE_A_VARIABLE.finditer(_VARIABLE.sub("", text)):
            table, name = match.groups()
            meant = table == "vars" or name in self.variables
            if meant or (table is not None and closest(table, ["vars"])):
                right = closest(name, self.variables) or name
                message = f"`{match[0]}` is not a variable"
                self._say(message, f'write "${{vars.{right}}}"', place)
        return len(self.findings) > before

    def _say(self, message: str, hint: str | None, place: Place) -> None:
        key = self.keys.of(place)
        self.findings.append(Finding("unknown-key", message, key=key, suggestion=hint))

    def _copy(self, value: Any, place: Place) -> Any:
        self._spend(len(value) if isinstance(value, str) else 1, place)
        if isinstance(value, dict):
            return {name: self._copy(item, place) for name, item in value.items()}
        if isinstance(value, list):
            return [self._copy(item, place) for item in value]
        return value

    def _spend(self, amount: int, place: Place) -> None:
        self.budget -= amount
        if self.budget < 0:
            raise ConfigError(
                "the variables make the config too large", "too-large", key=self.keys.of(place)
            )


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
