"""What a browser would fetch for a page, and a zoo to make a gallery of."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.candidates import a_candidate
from zoo.registry.editing import editing
from zoo.registry.life import set_status
from zoo.registry.publishing import Candidate, publish
from zoo.report.site import write_site
from zoo.workspace import Workspace

FETCHED = ("src", "href", "xlink:href", "data", "action", "srcset", "poster")


class Resources(HTMLParser):
    """Collects what the attributes of a page name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in FETCHED]


@pytest.fixture
def resources() -> Callable[[str], list[str]]:
    """Gives everything that a page names, links included."""

    def named(html: str) -> list[str]:
        parser = Resources()
        parser.feed(html)
        return parser.found + re.findall(r"url\(([^)]*)\)", html)

    return named


EVIL = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
GRAPH = """zoo = 1
name = "{name}"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "y"
type = "zoo/Dense"
units = {units}
inputs = "x"
[train]
epochs = {epochs}
"""


def candidate(name: str, units: int, epochs: int, loss: float) -> Candidate:
    return a_candidate(
        name,
        description=f"The model {name}.",
        config=GRAPH.format(name=name, units=units, epochs=epochs),
        tensors={"y/kernel": np.zeros((4, units), "float32")},
        fingerprint=str(units) * 64,
        metrics={"loss": loss},
    )


def written_by_hand(file: Path, name: str, keys: str) -> None:
    """Adds keys to a model's entry as a person does, who then accepts the edit."""
    line = f'name = "{name}"\n'
    file.write_text(file.read_text().replace(line, f"{line}{keys}", 1))
    with editing(file.parent, accept_edits=True) as edit:
        edit.save()


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with three versions of `alpha`, one deprecated, and one of `beta`, which is evil."""
    root = tmp_path_factory.mktemp("gallery")
    (root / "registry.toml").write_text("format = 1\n")
    publish(root, candidate("alpha", 2, 1, 0.5))
    publish(root, candidate("alpha", 2, 9, 0.25))
    publish(root, candidate("alpha", 3, 9, 0.75))
    publish(root, replace(candidate("beta", 2, 1, 0.1), description=EVIL))
    set_status(root, ["alpha@1.0.0"], "deprecated")
    written_by_hand(root / "registry.toml", "alpha", 'license = "MIT"\ntags = ["rain"]\n')
    written_by_hand(root / "registry.toml", "beta", 'tags = ["small"]\n')
    return root


@pytest.fixture(scope="session")
def site(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of that zoo, to look at."""
    folder = tmp_path_factory.mktemp("site")
    write_site(folder, Workspace(gallery))
    return folder
