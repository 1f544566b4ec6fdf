"""The errors that no check finds, as docs/errors.md shows them: each is provoked and compared."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.docs.blocks import blocks, lines_not_printed
from zoo.workspace import Workspace

SHOWN = {
    code: block.text
    for block in blocks("docs/errors.md")
    if "tested by" in block.marks
    for code in re.findall(r"^error\[([\w-]+)\]", block.text, re.M)
}
CONFIG = """\
zoo = 1
name = "tides"
loss = "mine"

[[inputs]]
name = "x"
shape = [4]

[[layers]]
name = "y"
type = "Dense"
units = 2

[data]
type = "npz"
path = "data.npz"

[train]
{train}

[[evaluate]]
type = "worst"
"""
PARTS = """\
def mine(y_true, y_pred):
    return (y_true - y_pred) ** 2


def failing(model, data, settings, callbacks):
    raise RuntimeError("the schedule has no entry for epoch 1")


def stopped(model, data, settings, callbacks):
    raise KeyboardInterrupt


def worst(model, data):
    raise KeyError("test")
"""


@pytest.fixture
def said(
    cli: Callable[..., Any],
    make_distribution: Callable[..., Path],
    write_config: Callable[..., Path],
) -> Callable[..., str]:
    """What a command says on stderr, in a zoo with a model whose parts a plugin has."""
    groups = {
        "zoo.losses": {"mine": "my_parts:mine"},
        "zoo.loops": {"failing": "my_parts:failing", "stopped": "my_parts:stopped"},
        "zoo.evaluators": {"worst": "my_parts:worst"},
    }
    make_distribution("my-parts", groups, {"my_parts.py": PARTS})
    write_config(CONFIG.format(train=""), "tides.toml")
    np.savez("data.npz", x=np.ones((8, 4)), y=np.ones((8, 2)))

    def run(*words: str, status: int) -> str:
        return cli(*words, status=status).err

    return run


def change(old: str, new: str) -> None:
    file = Path("tides.toml")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def no_registry(said: Callable[..., str]) -> str:
    Path("registry.toml").unlink()
    return said("verify", status=3)


def other_weights(said: Callable[..., str]) -> str:
    said("train", "tides.toml", "--publish", "--quiet", status=0)
    change("units = 2\n", 'units = 2\nactivation = "tanh"\n')
    return said("train", "tides.toml", "--from", "tides@1", status=3)


def wrong_data(said: Callable[..., str]) -> str:
    np.savez("data.npz", x=np.ones((8, 3)), y=np.ones((8, 2)))
    return said("train", "tides.toml", "--quiet", status=6)


def not_a_number(said: Callable[..., str]) -> str:
    x = np.ones((8, 4))
    x[5, 2] = np.nan
    np.savez("data.npz", x=x, y=np.ones((8, 2)))
    return said("train", "tides.toml", "--quiet", status=6)


def failing_loop(said: Callable[..., str]) -> str:
    change("[train]\n", '[train]\nloop = "failing"\n')
    return said("train", "tides.toml", "--quiet", status=6)


def stopped_loop(said: Callable[..., str]) -> str:
    change("[train]\n", '[train]\nloop = "stopped"\n')
    return said("train", "tides.toml", "--quiet", status=130)


def failing_evaluator(said: Callable[..., str]) -> str:
    said("train", "tides.toml", "--publish", "--quiet", status=0)
    return said("evaluate", "tides", status=6)


def no_lock(said: Callable[..., str]) -> str:
    return said("check", "tides.toml", "--locked", status=2)


def cut_off_lock(said: Callable[..., str]) -> str:
    said("lock", "tides.toml", status=0)
    lines = Path("zoo.lock").read_text().splitlines(keepends=True)
    Path("zoo.lock").write_text("".join(lines[:-3]))
    return said("check", "tides.toml", "--locked", status=3)


def changed_plugin(said: Callable[..., str]) -> str:
    said("lock", "tides.toml", status=0)
    (Path.cwd().parent / "site" / "my_parts.py").write_text(f"{PARTS}# changed\n")
    return said("check", "tides.toml", "--locked", status=5)


def changed_config(said: Callable[..., str]) -> str:
    said("lock", "tides.toml", status=0)
    change("units = 2", "units = 3")
    return said("check", "tides.toml", "--locked", status=2)


def defect(said: Callable[..., str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "check", lambda *_: {}["layers"])
        return said("check", "tides.toml", status=1)


PROVOKED = {
    "bad-registry": no_registry,
    "fingerprint-mismatch": other_weights,
    "bad-data": wrong_data,
    "not-finite": not_a_number,
    "training": failing_loop,
    "stopped": stopped_loop,
    "evaluation": failing_evaluator,
    "not-locked": no_lock,
    "bad-lock": cut_off_lock,
    "plugin-changed": changed_plugin,
    "config-changed": changed_config,
    "defect": defect,
}


def test_each_error_that_no_check_finds_is_provoked() -> None:
    assert set(SHOWN) == set(PROVOKED)


@pytest.mark.parametrize("code", PROVOKED)
def test_the_page_shows_what_is_printed(code: str, said: Callable[..., str]) -> None:
    printed = PROVOKED[code](said).replace(f"{Path.cwd()}", "ZOO")
    assert lines_not_printed(SHOWN[code], printed) == [], printed
