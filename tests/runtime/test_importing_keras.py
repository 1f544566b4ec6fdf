"""Keras's own files are read array by array: nothing in them decides what is done."""

import io
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import zoo
from tests.marks import keras_gives_arrays
from zoo.errors import ConfigError, RegistryError
from zoo.registry.document import read_registry
from zoo.runtime import h5_weights
from zoo.runtime.h5_weights import load_h5
from zoo.runtime.importing import NameMap, import_weights
from zoo.runtime.plain import plain_model
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

pytestmark = keras_gives_arrays

CONFIG = """
zoo = 1
name = "net"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "first", type = "Dense", units = 4, activation = { type = "elu", alpha = 0.5 } },
    { name = "normal", type = "BatchNormalization" },
    { name = "second", type = "Dense", units = 4 },
    { name = "dropped", type = "Dropout", rate = 0.5 },
]
"""
MEMBER = "model.weights.h5"


@pytest.fixture
def root(zoo_root: Path) -> Path:
    (zoo_root / "net.toml").write_text(CONFIG)
    return zoo_root


def random_model(root: Path) -> Any:
    model = zoo.build(root / "net.toml", zoo=root)
    generator = np.random.default_rng(5)
    for variable in model.weights:
        variable.assign(generator.normal(size=variable.shape).astype("float32"))
    return model


def saved(root: Path, name: str = "w.keras") -> tuple[Any, Path]:
    model = random_model(root)
    plain = plain_model(model)
    (plain.save if name.endswith(".keras") else plain.save_weights)(root / name)
    return model, root / name


def do_import(root: Path, file: Path, name_map: NameMap | None = None) -> None:
    workspace = Workspace(root)
    model = workspace.check(root / "net.toml").usable
    shelf = Shelf(workspace.registry, workspace.catalog)
    import_weights(file, model, shelf, root, name_map or NameMap())


def assert_same_weights(root: Path, model: Any) -> None:
    for ours, theirs in zip(zoo.load("net", zoo=root).weights, model.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def with_member(file: Path, name: str, data: bytes, method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, data)


@pytest.mark.parametrize("name", ["w.keras", "w.weights.h5"])
def test_what_keras_saved_comes_back_bit_for_bit(root: Path, name: str) -> None:
    model, file = saved(root, name)
    do_import(root, file)
    assert_same_weights(root, model)


def test_keras_is_not_asked_to_load_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, file = saved(root)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_: pytest.fail("it was loaded"))
    with zipfile.ZipFile(file) as archive:
        weights = archive.read(MEMBER)
    with_member(file, MEMBER, weights)  # without the config, which is not read
    do_import(root, file)
    assert_same_weights(root, model)


def test_layers_of_one_kind_in_another_order_are_matched_by_name(root: Path) -> None:
    # Keras calls them dense and dense_1 by their order, and would swap them without a word.
    x = keras.Input((4,))
    second, first = keras.layers.Dense(4, name="second"), keras.layers.Dense(4, name="first")
    normal = keras.layers.BatchNormalization(name="normal")
    other = keras.Model(x, first(normal(second(x))))
    generator = np.random.default_rng(6)
    for variable in other.weights:
        variable.assign(generator.normal(size=variable.shape).astype("float32"))
    other.save_weights(root / "w.weights.h5")
    do_import(root, root / "w.weights.h5")
    loaded = zoo.load("net", zoo=root)
    np.testing.assert_array_equal(loaded.get_layer("first").kernel, first.kernel)
    np.testing.assert_array_equal(loaded.get_layer("second").kernel, second.kernel)


def test_what_is_missing_and_what_is_besides_is_named(root: Path) -> None:
    _, file = saved(root, "w.weights.h5")
    with h5py.File(file, "r+") as h5:
        h5.move("layers/dense_1/vars/1", "layers/dense_1/vars/7")
        del h5["layers/dense/vars/0"]
        h5["layers/dense/vars/0"] = np.zeros((4, 3))
    with pytest.raises(RegistryError) as caught:
        do_import(root, file)
    message = str(caught.value)
    assert "it lacks dense_1/vars/1" in message
    assert "it has dense_1/vars/7 besides" in message
    assert "dense/vars/0 has the shape (4, 3); the model's has (4, 4)" in message
    assert read_registry(root).weights == ()


def test_links_to_elsewhere_are_not_followed(root: Path) -> None:
    _, file = saved(root, "w.weights.h5")
    shutil.copy(file, root / "other.h5")
    for link in (h5py.SoftLink("/layers/dense_1"), h5py.ExternalLink("other.h5", "/layers/dense")):
        with h5py.File(file, "r+") as h5:
            del h5["layers/dense"]
            h5["layers/dense"] = link
        with pytest.raises(RegistryError, match=r"it lacks dense/vars/0"):
            do_import(root, file)


def test_arrays_that_lie_in_other_files_are_refused(root: Path) -> None:
    _, file = saved(root, "w.weights.h5")
    (root / "secret").write_bytes(bytes(64))
    with h5py.File(file, "r+") as h5:
        del h5["layers/dense/vars/0"]
        place = [(str(root / "secret"), 0, 64)]
        h5["layers/dense/vars"].create_dataset("0", (4, 4), "float32", external=place)
    with pytest.raises(RegistryError, match="dense/vars/0 is not a plain array"):
        do_import(root, file)


def test_a_zip_that_unpacks_to_far_more_than_the_model_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(h5_weights, "_SLACK", 1000)
    with_member(root / "b.keras", MEMBER, bytes(10_000_000), zipfile.ZIP_DEFLATED)
    assert (root / "b.keras").stat().st_size < 20_000
    with pytest.raises(ConfigError, match="the weights in b.keras unpack to more than") as caught:
        do_import(root, root / "b.keras")
    assert caught.value.findings[0].code == "too-large"


def test_an_array_that_declares_more_than_any_memory_is_refused(root: Path) -> None:
    _, file = saved(root, "w.weights.h5")
    with h5py.File(file, "r+") as h5:
        del h5["layers/dense/vars/0"]
        h5["layers/dense/vars"].create_dataset("0", (10**6, 10**7), "float32", chunks=(1000, 1000))
    with pytest.raises(RegistryError, match=r"has the shape \(1000000, 10000000\)"):
        do_import(root, file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"config.json": b"{}"}, "has 0 files model.weights.h5"),
        ({MEMBER: b"no hdf5"}, "does not fit the model, or is damaged"),
    ],
)
def test_a_zip_of_something_else_is_refused(
    root: Path, content: dict[str, bytes], reason: str
) -> None:
    for name, data in content.items():
        with_member(root / "z.keras", name, data)
    with pytest.raises(RegistryError, match=reason):
        do_import(root, root / "z.keras")


def test_a_zip_with_two_weights_or_a_flipped_bit_is_refused(root: Path) -> None:
    _, file = saved(root)
    whole = bytearray(file.read_bytes())
    start = bytes(whole).index(b"\x89HDF")
    whole[start + 900] ^= 1
    (root / "bit.keras").write_bytes(whole)
    with pytest.raises(RegistryError, match="bit.keras is not a whole .keras file: Bad CRC-32"):
        do_import(root, root / "bit.keras")
    with warnings.catch_warnings(), zipfile.ZipFile(file, "a") as archive:
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, of the second of one name
        archive.writestr(MEMBER, b"other")
    with pytest.raises(RegistryError, match="w.keras has 2 files model.weights.h5"):
        do_import(root, file)


def test_text_under_the_name_of_a_keras_file_is_refused(root: Path) -> None:
    (root / "t.keras").write_text("no zip")
    with pytest.raises(RegistryError, match="t.keras is not a whole .keras file"):
        do_import(root, root / "t.keras")


def test_random_bytes_in_a_file_never_give_other_weights(root: Path) -> None:
    model, file = saved(root, "w.weights.h5")
    data, generator = file.read_bytes(), np.random.default_rng(8)
    before = [variable.numpy() for variable in model.weights]
    for _ in range(20):
        damaged = bytearray(data)
        for place in generator.integers(0, 2000, 40):  # where the structure stands
            damaged[place] = generator.integers(0, 256)
        try:
            load_h5(bytes(damaged), "w.weights.h5", model)
        except RegistryError:
            for variable, array in zip(model.weights, before, strict=True):
                np.testing.assert_array_equal(variable.numpy(), array)
    assert io.BytesIO(data).read(4) == b"\x89HDF"
