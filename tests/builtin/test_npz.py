"""The dataset `npz`: arrays by name, splits, and what is never read."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from zoo.builtin.datasets import npz


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return str(tmp_path / "data.npz")

    return save


def numbers(count, start=0.0):
    return np.arange(start, start + 2 * count, dtype="float32").reshape(count, 2)


def test_x_and_y_are_the_training_split(save):
    data = npz(save(x=numbers(5), y=numbers(5, 100)))
    assert list(data) == ["train"]
    np.testing.assert_array_equal(data["train"][0], numbers(5))
    np.testing.assert_array_equal(data["train"][1], numbers(5, 100))


def test_names_with_a_suffix_are_the_other_splits(save):
    path = save(
        x_train=numbers(5),
        y_train=numbers(5, 100),
        x_validation=numbers(2, 50),
        y_validation=numbers(2, 60),
        x_test=numbers(3, 70),
        y_test=numbers(3, 80),
    )
    data = npz(path, validation_split=0.4, test_split=0.4)
    assert {name: len(split[0]) for name, split in data.items()} == {
        "train": 5,
        "validation": 2,
        "test": 3,
    }
    np.testing.assert_array_equal(data["test"][1], numbers(3, 80))


def test_without_x_and_y_the_arrays_go_by_the_models_names(save):
    data = npz(save(gain=numbers(4), state=numbers(4, 9), target=numbers(4, 20)))
    x, y = data["train"]
    assert set(x) == set(y) == {"gain", "state", "target"}
    np.testing.assert_array_equal(x["gain"], numbers(4))


def test_sample_weights_come_along(save):
    weight = np.array([1.0, 2.0, 3.0, 4.0], "float32")
    data = npz(save(x=numbers(4), y=numbers(4), sample_weight=weight), validation_split=0.5)
    np.testing.assert_array_equal(data["train"][2], weight[:2])
    np.testing.assert_array_equal(data["validation"][2], weight[2:])


def test_a_share_is_taken_from_the_end_the_test_split_last(save):
    data = npz(save(x=numbers(10), y=numbers(10)), validation_split=0.25, test_split=0.2)
    rows = {name: split[0][:, 0] / 2 for name, split in data.items()}
    np.testing.assert_array_equal(rows["test"], [8, 9])
    np.testing.assert_array_equal(rows["validation"], [6, 7])
    np.testing.assert_array_equal(rows["train"], range(6))


@pytest.mark.parametrize("share", [-0.1, 1.0, 7.0])
def test_a_share_is_below_one(save, share):
    with pytest.raises(ValueError, match="validation_split is .*; it is a share from 0 to below 1"):
        npz(save(x=numbers(4), y=numbers(4)), validation_split=share)


def test_a_share_leaves_something_to_train_on(save):
    with pytest.raises(ValueError, match="test_split = 0.9 leaves none of 1 samples"):
        npz(save(x=numbers(1), y=numbers(1)), test_split=0.9)


def test_an_archive_without_training_arrays_is_refused(save):
    with pytest.raises(ValueError, match="has no training arrays, such as `x` and `y`"):
        npz(save(x_test=numbers(3), y_test=numbers(3)))


def test_pickled_objects_are_never_read(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "unpickled"), "w"))

    np.savez(tmp_path / "data.npz", x=np.array([Bomb()], dtype=object), y=numbers(1))
    with pytest.raises(ValueError, match=r"x\.npy holds Python objects, which are never read"):
        npz(str(tmp_path / "data.npz"))
    assert not (tmp_path / "unpickled").exists()


def test_an_array_that_declares_more_than_it_has_is_refused_unread(tmp_path):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (10**12,)}).encode()
    header += b" " * (118 - len(header) - 1) + b"\n"
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr(
            "x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + b"\0" * 64
        )
    with pytest.raises(ValueError, match=r"x\.npy declares 4,000,000,000,000 bytes and has 64"):
        npz(str(tmp_path / "data.npz"))


def test_a_member_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(ValueError, match=r"notes\.txt in it is not an array"):
        npz(str(tmp_path / "data.npz"))


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_cut_file_is_refused(save, tmp_path, keep):
    whole = (tmp_path / save(x=numbers(50), y=numbers(50))).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:keep])
    with pytest.raises(ValueError, match="is not a whole .npz file"):
        npz(str(tmp_path / "cut.npz"))


def test_a_flipped_bit_in_an_array_is_noticed(save, tmp_path):
    path = save(x=numbers(50), y=numbers(50))
    data = bytearray((tmp_path / path).read_bytes())
    data[len(data) // 3] ^= 1
    (tmp_path / "flipped.npz").write_bytes(bytes(data))
    with pytest.raises(ValueError, match="is not a whole .npz file"):
        npz(str(tmp_path / "flipped.npz"))


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        npz(str(tmp_path / "nowhere.npz"))


def test_a_compressed_archive_reads_like_a_plain_one(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", x=numbers(5), y=numbers(5, 9))
    np.testing.assert_array_equal(npz(str(tmp_path / "data.npz"))["train"][1], numbers(5, 9))


def test_headers_of_every_version_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        for name, version in (("x", (2, 0)), ("y", (3, 0))):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, numbers(3), version=version)
            archive.writestr(f"{name}.npy", buffer.getvalue())
    np.testing.assert_array_equal(npz(str(tmp_path / "data.npz"))["train"][1], numbers(3))
