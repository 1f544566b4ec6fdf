from __future__ import annotations

import errno
import hashlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import zoo_localization
from zoo_localization import lorenz05_datasets
from zoo_localization.gain_pairs import snapshots
from zoo_localization.lorenz05_datasets import generate_gains, lorenz05_gains
from zoo_localization.lorenz05_pairs import Lorenz05PairSettings
from zoo_localization.lorenz05_twin import WANG_2023

pytestmark = pytest.mark.usefixtures("cache")
h5py = pytest.importorskip("h5py")
pytest.importorskip("h5netcdf")


@pytest.fixture(scope="module")
def small(shape):
    """Arguments of `lorenz05_gains`."""
    return {**shape, "train_pairs": 20, "validation_pairs": 6, "test_pairs": 12}


@pytest.fixture(scope="module")
def made(tmp_path_factory, small):
    """A cache with the blocks of `small`, simulated once."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE_DIR", str(folder))
        lorenz05_gains(**small)
    return folder


def blocks(folder: Path) -> dict[str, str]:
    """Each block's name and the SHA-256 of what is in it; HDF5 keeps the time of writing beside."""
    return {path.name: digest(path) for path in sorted(folder.rglob("*.nc"))}


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with h5py.File(path) as file:
        for name in sorted(file):
            found.update(f"{name} {file[name].dtype} {file[name].shape}".encode())
            found.update(file[name][()].tobytes())
        found.update(repr(sorted(file.attrs.items())).encode())
    return found.hexdigest()


def everything(pairs):
    x, y = pairs.samples(range(pairs.sample_count))
    return x["kg_raw"], y


def test_the_defaults_are_the_published_setting():
    settings = Lorenz05PairSettings()
    assert settings.twin == WANG_2023.twin
    assert (settings.members, settings.reference_members) == (40, 2000)
    assert (settings.cutoff, settings.inflation, settings.reference_inflation) == (240, 1.01, 1.01)
    assert settings.updates == ("matrix", "serial", "matrix", "serial")
    assert settings.pairs_per_block == 360
    written = inspect.signature(lorenz05_gains).parameters
    for name, value in asdict(settings).items():
        assert written[name].default == value, name


@pytest.mark.parametrize("kind", ["s", "f"])
def test_the_splits_have_the_asked_for_pairs(filled, kind, small):
    data = lorenz05_gains(**small, pair_kind=kind, with_mean=True)
    assert list(data) == ["train", "validation", "test"]
    for split, count in (("train", 20), ("validation", 6), ("test", 12)):
        assert data[split].sample_count == count
        x, y = data[split].samples(range(count))
        assert x["kg_raw"].shape == y.shape == (count, 60, 15)
        assert x["mean"].shape == (count, 60)
        assert x["kg_raw"].dtype == x["mean"].dtype == y.dtype == np.float32
        assert np.isfinite(x["kg_raw"]).all()


def test_a_split_of_no_pairs_is_left_out_and_x_has_no_mean_unasked(small):
    data = lorenz05_gains(**{**small, "validation_pairs": 0})
    assert list(data) == ["train", "test"]
    assert list(data["test"].samples([0])[0]) == ["kg_raw"]


def test_raw_gains_in_turn_share_a_reference_gain(filled, small):
    raw, y = everything(lorenz05_gains(**small)["train"])
    for start in range(0, 18, 3):
        assert (y[start] == y[start + 1]).all()
        assert (y[start] == y[start + 2]).all()
        assert not np.isclose(raw[start], raw[start + 1]).all()
        assert not np.isclose(y[start], y[start + 3]).all()


def test_the_same_arguments_give_the_same_bits(cache, made, small):
    lorenz05_gains(**small)
    files = blocks(cache)
    assert [name[:-9] for name in files] == ["test", "train", "train", "validation"]
    assert blocks(made) == files


def test_another_seed_gives_other_pairs(filled, small):
    first, second = (
        everything(lorenz05_gains(**{**small, "train_pairs": 3, "seed": seed})["test"])
        for seed in (0, 1)
    )
    assert not np.isclose(first[1], second[1]).all(axis=(1, 2)).any()


def test_no_truth_is_in_two_blocks(pair_settings):
    truths = []
    for split in ("train", "validation", "test"):
        for path in generate_gains(pair_settings, split, 24):
            with h5py.File(path) as file:
                truths.append(file["truth"][:])
    # Two stretches of one trajectory would have states in common, to the bit.
    for i, one in enumerate(truths):
        for other in truths[:i]:
            assert np.abs(one[:, None] - other[None]).max(axis=2).min() > 1e-2


def test_blocks_open_together_in_xarray_and_say_what_they_are(pair_settings):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("dask")
    files = generate_gains(pair_settings, "train", 24)
    assert [path.name for path in files] == ["train-00000.nc", "train-00001.nc"]
    with xarray.open_mfdataset([str(path) for path in files], engine="h5netcdf") as data:
        assert dict(data.sizes) == {"snapshot": 8, "filter": 3, "state": 60, "obs": 15}
        assert data["kg_raw"].dims == ("snapshot", "filter", "state", "obs")
        assert {"run", "cycle", "filter", "update"} <= set(data["kg_raw"].coords)
        np.testing.assert_array_equal(data["run"], np.repeat([0, 1], 4))
        np.testing.assert_array_equal(data["cycle"], 2 * [7, 9, 11, 13])
        np.testing.assert_array_equal(data["obs"], 4 * np.arange(1, 16) - 1)
        np.testing.assert_array_equal(data["update"], [0, 1, 0])
        assert data["update"].attrs["flag_meanings"].split()[:2] == ["matrix", "serial"]
        for variable in data.variables.values():
            assert variable.attrs["long_name"]
            assert variable.attrs["units"] == "1"
        assert data.attrs["Conventions"].startswith("CF-1.")
        assert json.loads(data.attrs["settings"]) == json.loads(json.dumps(asdict(pair_settings)))
        assert data.attrs["seed"] == 0
        assert data.attrs["numpy_version"] == np.__version__
        for part in ("zoo_localization_version", "numba_version", "split", "title", "source"):
            assert part in data.attrs
        taken = list(snapshots(pair_settings, "train", 1))
        np.testing.assert_array_equal(
            data["kg_raw"][5], np.asarray(taken[1].kg_raw, np.float32), strict=True
        )
        np.testing.assert_array_equal(data["truth"][5], np.asarray(taken[1].truth, np.float32))


def test_a_gain_is_one_uncompressed_chunk(cache, pair_settings):
    (path,) = generate_gains(pair_settings, "test", 12)
    with h5py.File(path) as file:
        assert file["kg_raw"].chunks == (1, 1, 60, 15)
        assert file["kg_true"].chunks == (1, 60, 15)
        assert file["kg_raw"].compression is None
        assert file["kg_raw"].dtype == file["kg_true"].dtype == np.float32


def subprocess_environment(folder: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(Path(zoo_localization.__file__).parents[1]), *sys.path])
    return {
        **os.environ,
        "NUMBA_NUM_THREADS": "1",
        "PYTHONPATH": paths,
        "ZOO_CACHE_DIR": str(folder),
    }


@pytest.fixture(scope="module")
def four(tmp_path_factory, shape):
    """A folder with four blocks."""
    folder = tmp_path_factory.mktemp("four")
    generate_gains(Lorenz05PairSettings(**shape), "train", 48, folder=folder)
    return folder


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_kill_loses_and_repeats_no_block(cache, four, monkeypatch, written, pair_settings, shape):
    killed = cache / "killed"
    script = (
        "import time\n"
        "from pathlib import Path\n"
        "from zoo_localization import gain_pairs\n"
        "from zoo_localization.lorenz05_datasets import generate_gains\n"
        "from zoo_localization.lorenz05_pairs import Lorenz05PairSettings\n"
        f"settings = Lorenz05PairSettings(**{shape})\n"
        "real = gain_pairs._Filters.raw_gains\n"
        "def slow(self):\n"
        f"    if len(list(Path({str(killed)!r}).glob('*.nc'))) >= {written}: time.sleep(0.2)\n"
        "    return real(self)\n"
        "gain_pairs._Filters.raw_gains = slow\n"
        f"generate_gains(settings, 'train', 48, folder=Path({str(killed)!r}))\n"
    )
    command, environment = [sys.executable, "-c", script], subprocess_environment(cache)
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 600
        while len(blocks(killed)) < written or not list(killed.glob(".train-*")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    left = blocks(killed)
    expected = blocks(four)
    assert written <= len(left) < 4
    assert left.items() <= expected.items()

    made = []
    real = lorenz05_datasets.snapshots
    monkeypatch.setattr(lorenz05_datasets, "snapshots", lambda *a: made.append(a[2]) or real(*a))
    assert [p.name for p in generate_gains(pair_settings, "train", 48, folder=killed)] == [
        *expected
    ]
    assert blocks(killed) == expected
    assert made == list(range(len(left), 4))
    assert not list(killed.glob(".train-*"))


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "other settings"])
def test_a_block_that_is_not_whole_is_made_again(filled, damage, pair_settings, small):
    first = everything(lorenz05_gains(**small)["train"])
    whole = blocks(filled)
    path = next(filled.rglob("train-00001.nc"))
    (other,) = generate_gains(replace(pair_settings, seed=5), "train", 1)
    content = path.read_bytes()
    path.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "empty": b"",
            "foreign": b"CDF\x01 not ours",
            "other settings": other.read_bytes(),
        }[damage]
    )
    again = everything(lorenz05_gains(**small)["train"])
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert blocks(path.parent) == whole


@pytest.mark.parametrize("key", ["kg_raw", "kg_true"])
def test_a_flipped_bit_is_noticed_when_the_gain_is_read_and_the_block_made_again(
    filled, key, small
):
    pairs = lorenz05_gains(**small)["train"]
    first, whole = everything(pairs), blocks(filled)
    path = next(filled.rglob("train-00000.nc"))
    with h5py.File(path) as file:
        gain = file[key][2]
        place = file[key].id.get_chunk_info(2 if key == "kg_true" else 6).byte_offset
    content = bytearray(path.read_bytes())
    assert content[place : place + 8] == gain.tobytes()[:8]
    content[place + 3] ^= 1
    path.write_bytes(content)
    for one, two in zip(first, everything(pairs), strict=True):
        np.testing.assert_array_equal(one, two)
    assert blocks(filled) == whole


@pytest.mark.parametrize(
    ("key", "place", "value", "said"),
    [
        ("kg_raw", (2, 1, 7, 3), np.nan, "nan at snapshot 2, filter 1, state 7, obs 3"),
        ("kg_true", (2, 7, 3), np.inf, "inf at snapshot 2, state 7, obs 3"),
        ("mean", (2, 1, 7), -np.inf, "-inf at snapshot 2, filter 1, state 7"),
    ],
)
def test_a_value_that_is_not_finite_is_refused_with_its_file_and_place(
    filled, key, place, value, said, small
):
    pairs = lorenz05_gains(**small, with_mean=True)["train"]
    path = next(filled.rglob("train-00000.nc"))
    # By way of HDF5, so that the checksum is that of the bad value.
    with h5py.File(path, "r+") as file:
        file[key][place] = value
    pairs.samples([0, 5, 12])
    with pytest.raises(ValueError, match=re.escape(f"{path}: {key} holds {said}, and 1 values")):
        pairs.samples([5, 7])


def test_a_block_that_cannot_be_read_for_now_is_left_alone(
    filled, monkeypatch, pair_settings, small
):
    pairs = lorenz05_gains(**small)["train"]
    whole = blocks(filled)

    def fail(*_):
        raise PermissionError(errno.EACCES, "not for you")

    with monkeypatch.context() as patch:
        patch.setattr(h5py, "File", fail)
        with pytest.raises(PermissionError):
            pairs.samples([0])
        with pytest.raises(PermissionError):
            generate_gains(pair_settings, "train", 12)
    assert blocks(filled) == whole


def test_more_pairs_add_blocks_and_keep_those_there(cache, pair_settings):
    generate_gains(pair_settings, "train", 13)
    before = blocks(cache)
    generate_gains(pair_settings, "train", 30)
    assert set(blocks(cache)) - set(before) == {"train-00002.nc"}
    assert before.items() <= blocks(cache).items()


def test_what_does_not_shape_the_blocks_shares_one_simulation(filled, monkeypatch, small):
    monkeypatch.setattr(lorenz05_datasets, "snapshots", lambda *_: pytest.fail("simulated again"))
    lorenz05_gains(**small, with_mean=True, augment="roll", batch_size=2)
    lorenz05_gains(**{**small, "train_pairs": 3, "forcing": 10, "update": ["matrix", "serial"]})
    assert len(list((filled / "lorenz05_gains").iterdir())) == 1


def test_progress_counts_cycles_and_says_what_is_left(capsys, pair_settings):
    generate_gains(pair_settings, "train", 24)
    out, err = capsys.readouterr()
    assert out == ""
    # Two blocks of 5 cycles of spin-up and 4 times 2 cycles.
    assert err.splitlines()[-1] == "cycles for gain pairs: 100 % (26 of 26), 0:00:00 left"
    assert len(err.splitlines()) == 10
    generate_gains(pair_settings, "train", 24)
    assert capsys.readouterr().err == ""


def test_a_missing_netcdf_library_is_named_with_its_extra(monkeypatch, pair_settings):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r'need h5py: pip install "zoo-localization\[netcdf\]"'):
        generate_gains(pair_settings, "train", 1)


def test_the_simulation_needs_no_keras_and_lorenz96_no_netcdf(cache):
    script = (
        "import sys\n"
        "sys.modules['h5py'] = sys.modules['h5netcdf'] = None\n"
        "from zoo_localization.datasets import lorenz96_gains\n"
        "import zoo_localization.lorenz05_datasets, zoo_localization.gain_files\n"
        "lorenz96_gains(model_size=12, members=3, reference_members=9, train_pairs=1,\n"
        "    validation_pairs=0, test_pairs=0, pairs_per_block=1, spin_up=1)\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], env=subprocess_environment(cache), check=True)
