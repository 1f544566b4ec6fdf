"""The page of model cards: every model with weights has one, and the sizes in it are so."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo.report.card import card_of
from zoo.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
CARDS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M))
REGISTRY = zoo.open_registry(ROOT)
WITH_WEIGHTS = [name for name in REGISTRY.names if REGISTRY.versions(name)]
ROWS = ("input", "output", "parameters", "how", "trained on", "training", "good", "not for")
MOST_BYTES = 1_000_000


def rows(card: str) -> dict[str, str]:
    return dict(re.findall(r"^\| ([a-z ]+?) +\| (.*?) +\|$", card, re.M))


def test_every_model_with_weights_has_a_card_and_no_other() -> None:
    assert sorted(CARDS) == sorted(WITH_WEIGHTS)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_a_card_says_what_a_user_has_to_know(name: str) -> None:
    assert [row for row in ROWS if not rows(CARDS[name]).get(row)] == []


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_a_card_has_the_number_of_parameters_and_every_version(name: str) -> None:
    command = [sys.executable, "-m", "zoo", "show", name, "--zoo", str(ROOT), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)
    assert rows(CARDS[name])["parameters"].startswith(f"{shown['parameters']:,} ")
    for version in shown["versions"]:
        assert version in CARDS[name]


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_what_the_zoo_prints_as_a_card_agrees(name: str) -> None:
    printed = card_of(REGISTRY, REGISTRY.find(name), Workspace(ROOT))
    count = rows(CARDS[name])["parameters"].split()[0]
    assert rows(printed)["parameters"] == count
    assert rows(printed)["licence"] == "Apache-2.0"
    assert "Nobody has written any down" not in printed


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_published_weights_are_small(name: str) -> None:
    assert all(entry.size < MOST_BYTES for entry in REGISTRY.versions(name))
