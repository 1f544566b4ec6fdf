"""Weights from elsewhere become a version only if they fit the model exactly."""

from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.marks import keras_gives_arrays
from zoo.digest import sha256
from zoo.errors import ConfigError, RegistryError, RunError
from zoo.registry.document import read_registry
from zoo.runtime.importing import NameMap, check_importable, import_weights
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "conv"
inputs = [{ name = "x", shape = [6, 7, 2] }]
layers = [
    { name = "c", type = "Conv2D", filters = 3, kernel_size = [2, 4] },
    { name = "flat", type = "Flatten" },
    { name = "d", type = "Dense", units = 5 },
]
"""
NAMES = {
    "c/kernel": "net.0.weight",
    "c/bias": "net.0.bias",
    "d/kernel": "net.1.weight",
    "d/bias": "net.1.bias",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "registry.toml").write_text("format = 1\n")
    (tmp_path / "conv.toml").write_text(CONFIG)
    return tmp_path


def torch_arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    shapes = [(3, 2, 2, 4), (3,), (5, 60), (5,)]
    return {
        name: generator.normal(size=shape).astype("float32")
        for name, shape in zip(NAMES.values(), shapes, strict=True)
    }


def do_import(root: Path, file: Path, name_map: NameMap):
    workspace = Workspace(root)
    shelf = Shelf(workspace.registry, workspace.catalog)
    model = workspace.check(root / "conv.toml").usable
    return import_weights(file, model, shelf, root, name_map)


def by_loops(x: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The network written from torch's own definition, output axis first."""
    kernel, bias, weight, offset = (arrays[name].astype("float64") for name in NAMES.values())
    image = np.zeros((5, 4, 3))
    for i in range(5):
        for j in range(4):
            for o in range(3):
                patch = x[i : i + 2, j : j + 4, :].transpose(2, 0, 1)
                image[i, j, o] = (patch * kernel[o]).sum() + bias[o]
    return weight @ image.reshape(-1) + offset


def test_torch_kernels_are_transposed_and_the_import_keeps_its_provenance(root: Path) -> None:
    arrays = torch_arrays()
    np.savez(root / "w.npz", **arrays)
    entry = do_import(root, root / "w.npz", NameMap(NAMES, "torch"))
    x = np.random.default_rng(4).normal(size=(6, 7, 2))
    predicted = zoo.load("conv@1.0.0", zoo=root).predict(x[None], verbose=0)[0]
    np.testing.assert_allclose(predicted, by_loops(x, arrays), rtol=1e-5, atol=1e-5)
    digest = sha256((root / "w.npz").read_bytes())
    assert entry.parent == f"import:w.npz#sha256={digest}"
    assert entry.reference == "conv@1.0.0"


def test_a_map_file_says_names_and_layout(root: Path) -> None:
    lines = "".join(f'"{path}" = "{name}"\n' for path, name in NAMES.items())
    (root / "map.toml").write_text(f'layout = "torch"\n[names]\n{lines}')
    assert NameMap.read(root / "map.toml") == NameMap(NAMES, "torch")


def test_a_map_file_of_another_form_is_refused(root: Path) -> None:
    (root / "map.toml").write_text('order = "torch"\n')
    with pytest.raises(ConfigError, match=r"has `layout` and \[names\]; received order"):
        NameMap.read(root / "map.toml")
    (root / "map.toml").write_text('layout = "jax"\n')
    with pytest.raises(ConfigError, match="layout is one of keras, torch"):
        NameMap.read(root / "map.toml")


def test_missing_and_unused_arrays_are_named_and_nothing_is_published(root: Path) -> None:
    np.savez(root / "w.npz", **torch_arrays())
    with pytest.raises(RegistryError, match=r"lacks c/kernel.* and has net\.0\.weight.* besides"):
        do_import(root, root / "w.npz", NameMap())
    assert read_registry(root).weights == ()


def test_a_name_that_the_model_has_not_is_refused_with_a_suggestion(root: Path) -> None:
    np.savez(root / "w.npz", **torch_arrays())
    with pytest.raises(RegistryError, match="the map names c/kernl") as caught:
        do_import(root, root / "w.npz", NameMap({"c/kernl": "net.0.weight"}))
    assert caught.value.findings[0].suggestion == 'did you mean "c/kernel"?'


def test_without_the_transposition_the_shapes_do_not_fit(root: Path) -> None:
    np.savez(root / "w.npz", **torch_arrays())
    with pytest.raises(RegistryError, match=r"c/kernel is float32 \(3, 2, 2, 4\), the model's is"):
        do_import(root, root / "w.npz", NameMap(NAMES))


def test_values_of_another_kind_are_refused(root: Path) -> None:
    arrays = torch_arrays()
    arrays["net.1.bias"] = arrays["net.1.bias"].astype("complex64")
    np.savez(root / "w.npz", **arrays)
    with pytest.raises(RegistryError, match="d/bias is complex64 in the file; the model has float"):
        do_import(root, root / "w.npz", NameMap(NAMES, "torch"))


def test_values_that_are_not_finite_are_refused(root: Path) -> None:
    arrays = torch_arrays()
    arrays["net.1.bias"][2] = np.nan
    np.savez(root / "w.npz", **arrays)
    with pytest.raises(RunError, match="w.npz has values that are not finite in d/bias"):
        do_import(root, root / "w.npz", NameMap(NAMES, "torch"))


@keras_gives_arrays
def test_keras_weights_come_back_as_they_were_saved(root: Path) -> None:
    model = zoo.build(root / "conv.toml", {"train.seed": 9}, zoo=root)
    model.save_weights(root / "w.weights.h5")
    do_import(root, root / "w.weights.h5", NameMap())
    loaded = zoo.load("conv", zoo=root)
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_text_under_the_name_of_keras_weights_is_refused(root: Path) -> None:
    (root / "w.weights.h5").write_text("not hdf5\n")
    with pytest.raises(RegistryError, match="w.weights.h5 does not fit the model, or is damaged"):
        do_import(root, root / "w.weights.h5", NameMap())


def test_a_format_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="model.pkl is not of a format that can be imported"):
        check_importable(Path("model.pkl"))
