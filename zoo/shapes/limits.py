"""How large a model may be: one rule, for the check and for the builder."""

import os

from zoo.errors import ConfigError, Finding

DEFAULT_MAX_PARAMETERS = 250_000_000
_SETTING = "ZOO_MAX_PARAMETERS"
_COUNTABLE = 10**18


def max_parameters() -> int:
    """Gives the most parameters that a model may have.

    Raises:
        ConfigError: If `ZOO_MAX_PARAMETERS` is no number.
    """
    text = os.environ.get(_SETTING) or str(DEFAULT_MAX_PARAMETERS)
    try:
        return int(text)
    except ValueError:
        message = f"{_SETTING} is a number of parameters; received {text!r}"
        raise ConfigError(message, suggestion=f"such as {DEFAULT_MAX_PARAMETERS}") from None


def too_many(name: str, total: int, key: str) -> Finding | None:
    """Refuses a model that has more parameters than it may.

    Args:
        name: The node that the count has come to.
        total: The parameters up to and with it.
        key: Its place in the config.
    """
    limit = max_parameters()
    if total <= limit:
        return None
    count = f"{total:,}" if total < _COUNTABLE else f"more than {_COUNTABLE:,}"
    message = f"with {name} the model has {count} parameters; the limit is {limit:,}"
    hint = f"make it smaller, or set {_SETTING}"
    return Finding("too-large", message, key=key, suggestion=hint)
