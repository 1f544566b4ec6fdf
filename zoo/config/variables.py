"""`[vars]`: values that stand once and are named elsewhere as `${vars.name}`."""

import re
from typing import Any

from zoo.components import did_you_mean
from zoo.errors import ConfigError

MAX_DEPTH = 32

_VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_-]+)\}")


def interpolated(document: dict[str, Any]) -> dict[str, Any]:
    """Replaces every `${vars.name}` by what `[vars]` says, and takes `[vars]` out.

    A value that is nothing but a variable keeps the variable's type.

    Raises:
        ConfigError: If a variable is unknown, names itself in a circle, or the variables multiply
            each other beyond measure.
    """
    variables = document.pop("vars", {})
    if not isinstance(variables, dict):
        raise ConfigError("[vars] is a table", "wrong-type", key="vars")
    interpolation = _Interpolation(variables)
    for name in variables:
        interpolation.value_of(name, ())
    result: dict[str, Any] = interpolation.replaced(document, "", ())
    return result


class _Interpolation:
    """Replaces `${vars.name}`, each variable worked out once.

    The budget stops variables that multiply each other into a document too large to hold.
    """

    def __init__(self, variables: dict[str, Any], budget: int = 1_000_000) -> None:
        self.variables = variables
        self.budget = budget
        self.values: dict[str, Any] = {}

    def value_of(self, name: str, chain: tuple[str, ...]) -> Any:
        if name in chain:
            cycle = " -> ".join((*chain[chain.index(name) :], name))
            raise ConfigError(f"variables name each other: {cycle}", "cycle", key=f"vars.{name}")
        if len(chain) > MAX_DEPTH:
            raise ConfigError("variables name each other too deeply", "too-large")
        if name not in self.variables:
            raise ConfigError(
                f"there is no variable {name!r} in [vars]",
                "unknown-key",
                suggestion=did_you_mean(name, self.variables),
            )
        if name not in self.values:
            self.values[name] = self.replaced(self.variables[name], f"vars.{name}", (*chain, name))
        return self.values[name]

    def replaced(self, value: Any, key: str, chain: tuple[str, ...]) -> Any:
        self._spend(1, key)
        if isinstance(value, dict):
            return {
                name: self.replaced(item, f"{key}.{name}" if key else name, chain)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [
                self.replaced(item, f"{key}[{index}]", chain) for index, item in enumerate(value)
            ]
        if isinstance(value, str) and "${" in value:
            try:
                return self._text(value, key, chain)
            except ConfigError as error:
                raise error.located(key=key) from None
        return value

    def _text(self, text: str, key: str, chain: tuple[str, ...]) -> Any:
        whole = _VARIABLE.fullmatch(text)
        if whole:
            return self._copy(self.value_of(whole[1], chain), key)
        result = _VARIABLE.sub(lambda match: _as_text(self.value_of(match[1], chain)), text)
        self._spend(len(result), key)
        return result

    def _copy(self, value: Any, key: str) -> Any:
        self._spend(len(value) if isinstance(value, str) else 1, key)
        if isinstance(value, dict):
            return {name: self._copy(item, key) for name, item in value.items()}
        if isinstance(value, list):
            return [self._copy(item, key) for item in value]
        return value

    def _spend(self, amount: int, key: str) -> None:
        self.budget -= amount
        if self.budget < 0:
            raise ConfigError("the variables make the config too large", "too-large", key=key)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
