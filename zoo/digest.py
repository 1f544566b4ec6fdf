"""Canonical bytes of plain data, and SHA-256 over them."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def sha256(data: bytes) -> str:
    """Gives the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Writes plain data so that equal data gives equal bytes.

    Keys are sorted; a whole float is written as an integer (a config may say `1` or `1.0`);
    tuples are lists; anything that is not plain data is a `TypeError`.
    """
    return json.dumps(
        _canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


_AS_IT_IS = {str, int, bool, type(None)}


def _canonical(value: Any) -> Any:
    if type(value) in _AS_IT_IS:  # most values, and a registry has them by the hundred thousand
        return value
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value
