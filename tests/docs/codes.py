"""The codes of errors that the source gives."""

import ast
import re
from collections.abc import Iterator

from tests.docs.blocks import ROOT
from zoo.errors import CLASS_OF_CODE, ZooError

_PLACE_OF_THE_CODE = {"Finding": 0, "say": 0, "warn": 0, "_wrong": 0, "refused": 1}
"""Among the arguments of the functions that make an error; in an exception it is the second."""


def codes_in_the_source() -> Iterator[str]:
    word = re.compile(r"[a-z]+(-[a-z]+)*")
    for file in (ROOT / "zoo").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            place = _PLACE_OF_THE_CODE.get(name, 1 if "Error" in name else None)
            for index, argument in enumerate(call.args):
                texts = [n.value for n in ast.walk(argument) if isinstance(n, ast.Constant)]
                for text in (t for t in texts if isinstance(t, str) and word.fullmatch(t)):
                    if index == place or text in CLASS_OF_CODE:
                        yield text
    yield from _default_codes(ZooError)


def _default_codes(error: type[ZooError]) -> Iterator[str]:
    yield error.default_code
    for child in error.__subclasses__():
        yield from _default_codes(child)
