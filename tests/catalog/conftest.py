"""What the tests of cards share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.catalog.card_making import make_card
from zoo.catalog.cards import Card
from zoo.catalog.source import SourceTree
from zoo.components import Component


@pytest.fixture
def card(make_distribution: Callable[..., Path]) -> Callable[..., Card]:
    """Makes the card of `X` in a module with some source."""

    def make(source: str, kind: str = "layers") -> Card:
        make_distribution("zoo-extra", "", {"extra_mod.py": source})
        component = Component(kind, "X", "zoo-extra", "1.0", "extra_mod:X")
        return make_card(component, SourceTree())

    return make
