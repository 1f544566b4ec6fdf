from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.errors import ConfigError, RunError, StorageError
from zoo_localization.gain_files import gain_files
from zoo_localization.lorenz05_datasets import generate_gains

h5netcdf = pytest.importorskip("h5netcdf")

SIZE, NOBS, DENS = 12, 4, 3
PAPER = Path(__file__).parents[4] / "shared" / "data" / "paper"


def gains(seed=0, times=5):
    """Raw and reference gains in which entry `[t, i, j]` of no two is the same."""
    rng = np.random.default_rng(seed)
    return rng.random((2, times, SIZE, NOBS), np.float32)


def write(path, raw, true, obs=None, dimensions=("time", "state", "obs"), **attributes):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5netcdf.File(path, "w") as file:
        sizes = dict(zip(dimensions, raw.shape, strict=True))
        file.dimensions = sizes
        variable = file.create_variable("kg_raw", dimensions, data=raw)
        variable.attrs.update(attributes)
        shared = (
            tuple(d for d in dimensions if d != "filter") if true.ndim < raw.ndim else dimensions
        )
        file.create_variable("kg_true", shared[-true.ndim :], data=true)
        if obs is not None:
            file.create_variable("obs", ("obs",), data=np.asarray(obs))
    return str(path)


def pairs_of(split):
    x, y = split.samples(range(split.sample_count))
    return x["kg_raw"], y


@pytest.mark.parametrize("kind", ["nc", "npz", "npy"])
def test_every_kind_of_file_gives_its_pairs_in_order(tmp_path, kind):
    both = [gains(seed) for seed in (0, 1)]
    paths, others = [], []
    for name, (raw, true) in zip("ab", both, strict=True):
        path = tmp_path / f"{name}.{kind}"
        paths.append(str(path))
        if kind == "nc":
            write(path, raw, true, obs=[2, 5, 8, 11])
        elif kind == "npz":
            np.savez(path, kg_raw=raw, kg_true=true)
        else:
            np.save(path, raw)
            np.save(tmp_path / f"true_{name}.npy", true)
            others.append(str(tmp_path / f"true_{name}.npy"))
    found = pairs_of(gain_files(paths, others or None)["train"])
    for array, expected in zip(found, np.concatenate(both, axis=1), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.float32


def test_several_raw_gains_share_a_reference_and_a_gain_may_stand_alone(tmp_path):
    rng = np.random.default_rng(0)
    raw, true = rng.random((2, 3, SIZE, NOBS)), rng.random((2, SIZE, NOBS))
    write(tmp_path / "many.nc", raw, true, dimensions=("time", "filter", "state", "obs"))
    found = pairs_of(gain_files(str(tmp_path / "many.nc"))["train"])
    np.testing.assert_allclose(found[0], raw.reshape(6, SIZE, NOBS), rtol=1e-7)
    np.testing.assert_allclose(found[1], np.repeat(true, 3, axis=0), rtol=1e-7)
    write(tmp_path / "one.nc", raw[0, 0], true[0], dimensions=("state", "obs"))
    assert gain_files(str(tmp_path / "one.nc"))["train"].sample_count == 1


def test_the_published_snapshot_is_a_pair():
    if not PAPER.exists():
        pytest.skip("no published files beside this checkout")
    names = [str(PAPER / f"fig1a_f15_sob_{members}.npy") for members in (40, 2000)]
    raw, true = pairs_of(gain_files(*names, obs_dens=4)["train"])
    assert raw.shape == true.shape == (1, 960, 240)
    assert np.sqrt(np.mean((raw - true) ** 2)) == pytest.approx(3.289e-3, abs=1e-6)


def test_blocks_that_were_generated_here_are_such_files(tmp_path, pair_settings):
    few = {"members": 4, "reference_members": 20, "small_filters": 2, "pairs_per_block": 4}
    settings = replace(pair_settings, pair_kind="s", spin_up=1, **few)
    generate_gains(settings, "train", 8, folder=tmp_path)
    data = gain_files(str(tmp_path / "*.nc"), with_mean=True, augment="roll")
    x, y = data["train"].samples(range(8), epoch=1)
    assert x["kg_raw"].shape == y.shape == (8, 60, 15)
    assert x["mean"].shape == (8, 60)


def test_splits_are_stretches_of_time_with_gaps(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.nc", *gains(ord(name), times=50))
    whole = pairs_of(gain_files(str(tmp_path / "*.nc"))["train"])[0]
    data = gain_files(str(tmp_path / "*.nc"), validation_share=0.1, test_share=0.2, gap=5)
    for split, start, stop in (("train", 0, 60), ("validation", 65, 75), ("test", 80, 100)):
        np.testing.assert_array_equal(pairs_of(data[split])[0], whole[start:stop])


def test_splits_may_be_files_of_their_own(tmp_path):
    paths = [write(tmp_path / f"{name}.nc", *gains(ord(name))) for name in "abc"]
    data = gain_files(paths[0], validation_paths=paths[1], test_paths=[paths[2]])
    assert list(data) == ["train", "validation", "test"]
    for split, path in zip(data.values(), paths, strict=True):
        np.testing.assert_array_equal(pairs_of(split)[0], pairs_of(gain_files(path)["train"])[0])


def test_only_the_gain_that_is_asked_for_is_read(tmp_path, monkeypatch):
    write(tmp_path / "a.nc", *gains())
    split = gain_files(str(tmp_path / "a.nc"))["train"]
    read = []
    real = type(split.source.files[0].raw).read_into
    monkeypatch.setattr(
        type(split.source.files[0].raw),
        "read_into",
        lambda self, values, place: read.append((self.name, place)) or real(self, values, place),
    )
    split.samples([3])
    assert read == [("kg_raw", (3,)), ("kg_true", (3,))]


def _bad(name):
    """What is wrong with a file, and the message that says so."""
    raw, true = gains()
    ordered = [2, 5, 8, 11]
    if name == "nan":
        raw[3, 10, 2] = np.nan
        return (raw, true), {}, r"a.nc: the raw gain holds nan at \[3, 10, 2\] .* 1 values"
    if name == "infinite reference":
        true[1] = np.inf
        return (raw, true), {}, r"a.nc: the reference gain holds inf at \[1, 0, 0\] .* 48 values"
    if name == "missing":
        raw[2, 1, 1] = -9
        given = {"_FillValue": np.float32(-9)}
        return (raw, true), given, r"a.nc: the raw gain holds nan at \[2, 1, 1\]"
    if name == "unsorted":
        return (raw, true), {"obs": [2, 8, 5, 11]}, "a.nc: .*sorted"
    if name == "duplicated":
        return (raw, true), {"obs": [2, 5, 5, 11]}, "a.nc: .* 1 and 2 are both state 5"
    if name == "from 1":
        return (raw, true), {"obs": [3, 6, 9, 12]}, "a.nc: "
    if name == "elsewhere":
        return (raw, true), {"obs": [0, 3, 6, 9]}, "a.nc: .*every"
    if name == "packed":
        return (raw, true), {"scale_factor": 2.0, "obs": ordered}, "a.nc: kg_raw is packed"
    raise AssertionError(name)


@pytest.mark.parametrize(
    "name",
    [
        "nan",
        "infinite reference",
        "missing",
        "unsorted",
        "duplicated",
        "from 1",
        "elsewhere",
        "packed",
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path, name):
    (raw, true), given, message = _bad(name)
    write(tmp_path / "a.nc", raw, true, **given)
    with pytest.raises(ValueError, match=message):
        gain_files(str(tmp_path / "a.nc"))


def test_files_that_do_not_fit_one_another_are_named(tmp_path):
    raw, true = gains()
    a = write(tmp_path / "a.nc", raw, true)
    b = write(tmp_path / "b.nc", raw[:, :, :3], true[:, :, :3])
    np.save(tmp_path / "raw.npy", raw)
    np.save(tmp_path / "short.npy", true[:4])
    np.save(tmp_path / "turned.npy", raw.transpose(0, 2, 1))
    np.save(tmp_path / "flat.npy", raw[0, 0])
    with pytest.raises(ValueError, match=r"b.nc: gains must be of .* = \(12, 4\).* got \(12, 3\)"):
        gain_files([a, b])
    with pytest.raises(ValueError, match=r"a.nc: gains must be of .* = \(24, 4\).* got \(12, 4\)"):
        gain_files(a, model_size=24)
    with pytest.raises(ValueError, match=r"a.nc: gains must be of .* = \(12, 6\).* got \(12, 4\)"):
        gain_files(a, obs_dens=2)
    message = r"short.npy: reference gains must have the shape .* \(5, 12, 4\), .* got \(4, 12, 4\)"
    with pytest.raises(ValueError, match=message):
        gain_files(str(tmp_path / "raw.npy"), str(tmp_path / "short.npy"))
    with pytest.raises(ValueError, match=r"turned.npy: .* states first.* Transpose"):
        gain_files(str(tmp_path / "turned.npy"), str(tmp_path / "turned.npy"))
    with pytest.raises(ValueError, match=r"flat.npy: raw gains must be .* got shape \(4,\)"):
        gain_files(str(tmp_path / "flat.npy"), str(tmp_path / "flat.npy"))
    with pytest.raises(ValueError, match="2 files of raw gains and 1 of reference"):
        gain_files([a, b], a)
    with pytest.raises(ValueError, match=r"a.nc is named twice"):
        gain_files([a, str(tmp_path / "a*")])
    with pytest.raises(ValueError, match=r"a.nc is in the train and in the test split"):
        gain_files(a, test_paths=a)
    with pytest.raises(ValueError, match=r"a.nc: there is no array 'gain'; it has kg_raw, kg_true"):
        gain_files(a, raw="gain")
    with pytest.raises(ValueError, match=r"a.nc: there is no array 'where'"):
        gain_files(a, locations="where")
    with pytest.raises(ValueError, match="no file matches .*none"):
        gain_files(str(tmp_path / "none*.nc"))
    with pytest.raises(FileNotFoundError, match=r"none.nc"):
        gain_files(str(tmp_path / "none.nc"))


def test_observations_that_begin_elsewhere_are_refused_with_the_turn_of_the_ring(tmp_path):
    raw, true = gains()
    path = write(tmp_path / "a.nc", raw, true, obs=[0, 3, 6, 9])
    with pytest.raises(ValueError, match=r"every d = 3 states: .*np.roll\(gain, 2, axis=-2\)"):
        gain_files(path)
    turned = write(tmp_path / "b.nc", np.roll(raw, 2, -2), np.roll(true, 2, -2), [2, 5, 8, 11])
    assert gain_files(turned)["train"].sample_count == len(raw)


def test_reference_gains_that_teach_nothing_are_warned_of(tmp_path):
    raw, true = gains()
    with pytest.warns(UserWarning, match=r"a.nc: the reference gain is 0 everywhere in 5 of 5"):
        gain_files(write(tmp_path / "a.nc", raw, 0 * true))
    true[3] = raw[3]
    with pytest.warns(UserWarning, match=r"b.nc: .* is the raw gain itself in 1 of 5 pairs"):
        gain_files(write(tmp_path / "b.nc", raw, true))


def test_files_that_cannot_be_read_are_named(tmp_path):
    for name, content in (
        ("a.nc", b"CDF\x01"),
        ("b.npy", b"what"),
        ("c.npz", b"PK"),
        ("d.txt", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}: "):
            gain_files(str(tmp_path / name))
    np.save(tmp_path / "text.npy", np.full((5, SIZE, NOBS), "a"))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"text.npy: .* holds <U1, and numbers are needed"):
        gain_files(str(tmp_path / "text.npy"))
    with pytest.raises(ValueError, match=r"objects.npy: not readable: .*Python objects"):
        gain_files(str(tmp_path / "objects.npy"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_share": 1.0}, "test_share must be a share from 0 to below 1, got 1.0"),
        ({"validation_share": "0.1"}, "validation_share must be a share .* got '0.1'"),
        ({"test_share": 0.5, "gap": 3}, "nothing is left to train on: of 5 times"),
        ({"gap": -1}, "gap must be an integer of at least 0, got -1"),
        ({"augment": "flip"}, 'augment must be "roll"'),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    path = write(tmp_path / "a.nc", *gains())
    with pytest.raises(ValueError, match=message):
        gain_files(path, **arguments)


CONFIG = """
zoo = 1
name = "m"
[[inputs]]
name = "kg_raw"
shape = [12, 4]
[[layers]]
name = "kg_pred"
type = "Dense"
units = 4
[loss]
type = "mse"
[optimizer]
type = "SGD"
[data]
type = "gain_files"
paths = "gains/*.nc"
[train]
epochs = 1
batch_size = 2
jit_compile = false
"""


@pytest.fixture
def train(tmp_path):
    root = tmp_path / "zoo"
    write(root / "models" / "gains" / "a.nc", *gains())
    (root / "registry.toml").write_text("format = 1\n")
    config = root / "models" / "m.toml"
    config.write_text(CONFIG)
    return lambda **data: zoo.train(
        config, {f"data.{key}": value for key, value in data.items()}, zoo=root, quiet=True
    )


def test_paths_in_a_config_are_relative_to_it(train):
    assert np.isfinite(train().history["loss"][0])


@pytest.mark.parametrize("path", ["../../outside/*.nc", "/etc/*.nc", "~/*.nc", "g*/../../../*.nc"])
def test_a_path_out_of_the_zoo_is_refused(train, tmp_path, path):
    write(tmp_path / "outside" / "a.nc", *gains())
    with pytest.raises(ConfigError) as caught:
        train(validation_paths=[path])
    assert caught.value.findings[0].code == "unsafe-path"


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_pattern_follows_no_link_out_of_the_zoo(train, tmp_path, link):
    outside = write(tmp_path / "outside" / "b.nc", *gains())
    folder = tmp_path / "zoo" / "models" / "gains"
    if link == "file":
        (folder / "b.nc").symlink_to(outside)
    else:
        (folder / "deeper").symlink_to(tmp_path / "outside")
    with pytest.raises(RunError, match=r"b.nc is a link out of .*gains"):
        train(paths="gains/**/*.nc")


def test_a_file_that_is_not_there_is_said(train):
    with pytest.raises(StorageError, match=r"there is no file .*none.nc"):
        train(paths="none.nc")


def test_plain_hdf5_files_need_no_named_dimensions(tmp_path):
    h5py = pytest.importorskip("h5py")
    raw, true = gains()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["kg_raw"], file["kg_true"] = raw, true
    x, y = gain_files(str(tmp_path / "a.h5"))["train"].samples([1])
    np.testing.assert_array_equal(x["kg_raw"][0], raw[1].astype(np.float32))
    np.testing.assert_array_equal(y[0], true[1].astype(np.float32))
