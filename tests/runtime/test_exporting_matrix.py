"""Every model of this repository in every format; the figures stand in docs/export.md."""

from pathlib import Path

import numpy as np
import pytest

from zoo.errors import ConfigError, RegistryError
from zoo.runtime.converting import SUFFIXES
from zoo.runtime.exporting import export
from zoo.runtime.weights import Shelf
from zoo.sources import model_sources
from zoo.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
SOLVES = {"clf-lorenz05", "clf-lorenz05-cycling", "clf-lorenz05-mean"} | {
    "clf-lorenz96-cycling",
    "clf-lorenz96-cycling-mean",
}
"""Their layers solve linear systems, for which two formats have no operation."""


def models() -> list[str]:
    configs = [*ROOT.glob("models/*.toml"), *ROOT.glob("examples/*.toml")]
    workspace = Workspace(ROOT)
    names = set(model_sources(workspace.catalog, workspace.registry))
    names |= set(workspace.known_registry.names)
    return sorted([*names, *(str(path.relative_to(ROOT)) for path in configs)])


@pytest.mark.slow
@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("name", models())
def test_a_shipped_model_computes_the_same_in_every_format_that_can_hold_it(
    tmp_path: Path, name: str, kind: str
) -> None:
    workspace = Workspace(ROOT)
    shelf = Shelf(workspace.registry, workspace.catalog)
    try:
        resolved, model = shelf.of_version(name)
    except RegistryError:  # no version: some weights that are not those it starts from
        resolved = workspace.check(ROOT / name if "/" in name else name).usable
        model = shelf.build(resolved)
        generator = np.random.default_rng(1)
        for variable in model.trainable_weights:
            variable.assign(variable.value + 0.05 * generator.normal(size=variable.shape))
    graph, file = shelf.graph(resolved, model), tmp_path / f"m{SUFFIXES[kind]}"
    if name in SOLVES and kind in ("onnx", "tflite"):
        with pytest.raises(ConfigError, match="has no operation MatrixSolve"):
            export(model, graph, name, kind, file, lambda line: None)
        assert list(tmp_path.iterdir()) == []
    else:
        check = export(model, graph, name, kind, file, lambda line: None).check
        assert check.difference <= check.tolerance
