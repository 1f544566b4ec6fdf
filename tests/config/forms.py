"""The least config that there is, and what is right or wrong with a change of it."""

from zoo.config.schema import ModelConfig
from zoo.config.validation import validated
from zoo.errors import Finding

LEAST = {
    "zoo": 1,
    "name": "tiny",
    "inputs": [{"name": "x", "shape": [8]}],
    "layers": [{"type": "Dense", "units": 1}],
}


def config(**changes: object) -> ModelConfig:
    checked, found = validated({**LEAST, **changes})
    assert found == []
    assert checked is not None
    return checked


def wrong(**changes: object) -> list[Finding]:
    checked, found = validated({**LEAST, **changes}, "m.toml")
    assert checked is None
    assert {finding.file for finding in found} == {"m.toml"}
    return found


def only(**changes: object) -> tuple[str, str | None, str]:
    (finding,) = wrong(**changes)
    return finding.code, finding.key, finding.message
