"""Arrays in files, read without trusting them."""

import io
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.arrays import ONLY, check_suffix, read_arrays, read_npz, write_arrays
from zoo.errors import ConfigError, RunError, StorageError, ZooError

GENERATOR = np.random.default_rng(0)
ARRAYS = {
    "x": GENERATOR.normal(size=(4, 3)).astype("float32"),
    "y": GENERATOR.integers(0, 9, (4, 2, 5)),
}


def header(shape: str, descr: str = "'<f4'", version: int = 1) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    size = struct.pack("<H" if version == 1 else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + b"\n"


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def refused(error: type[ZooError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as info:
        call()
    return info.value.findings[0].message


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".NC", ".h5", ".NPZ"])
def test_arrays_come_back_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_arrays(path, ARRAYS)
    found = read_arrays(path)
    assert sorted(found) == ["x", "y"]
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_one_array_needs_no_name(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npy", {"x": ARRAYS["x"]})
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.npy")[ONLY], ARRAYS["x"])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), ARRAYS["x"])


def test_several_arrays_do_not_go_into_npy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as info:
        write_arrays(tmp_path / "a.npy", ARRAYS)
    assert str(info.value) == (
        "error[bad-value]: a.npy holds one array; the model gives x, y\n"
        "  = write an .npz or .nc file"
    )


def test_netcdf_names_the_batch_axis_once(tmp_path: Path) -> None:
    import h5netcdf

    write_arrays(tmp_path / "a.nc", ARRAYS)
    with h5netcdf.File(tmp_path / "a.nc", "r") as file:
        sizes = {name: dimension.size for name, dimension in file.dimensions.items()}
        assert sizes == {"batch": 4, "x_1": 3, "y_1": 2, "y_2": 5}
        assert file.variables["y"].dimensions == ("batch", "y_1", "y_2")


def test_coordinates_of_a_netcdf_file_are_no_arrays(tmp_path: Path) -> None:
    import h5netcdf

    with h5netcdf.File(tmp_path / "a.nc", "w") as file:
        file.dimensions["batch"] = 2
        file.create_variable("batch", ("batch",), "f4")[...] = [0, 1]
        file.create_variable("x", ("batch",), "f4")[...] = [2, 3]
    assert list(read_arrays(tmp_path / "a.nc")) == ["x"]


@pytest.mark.parametrize(("name", "shown"), [("a.csv", "'.csv'"), ("a", "'of no suffix'")])
def test_another_format_is_refused_with_those_there_are(name: str, shown: str) -> None:
    with pytest.raises(ConfigError) as info:
        check_suffix(Path(name))
    (finding,) = info.value.findings
    assert finding.message == f"{name} has the format {shown}"
    assert finding.suggestion == "one of .npy, .npz, .nc, .nc4, .h5"


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.nc"])
def test_a_missing_file_is_a_storage_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert refused(StorageError, lambda: read_arrays(path)) == f"there is no file {path}"


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04", b"\x80\x04K\x01."])
def test_bytes_that_are_no_arrays_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    message = refused(RunError, lambda: read_arrays(tmp_path / name))
    assert message.startswith(f"{tmp_path / name} does not hold plain arrays: ")


def test_bytes_that_are_no_netcdf_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(b"nonsense")
    message = refused(StorageError, lambda: read_arrays(tmp_path / "a.nc"))
    assert message.startswith(f"{tmp_path / 'a.nc'} cannot be read: ")


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    write_arrays(tmp_path / "whole.npz", ARRAYS)
    data = (tmp_path / "whole.npz").read_bytes()
    for length in range(0, len(data), 7):
        path = tmp_path / "cut.npz"
        path.write_bytes(data[:length])
        with pytest.raises(RunError, match=r"does not hold plain arrays"):
            read_arrays(path)


def test_an_archive_with_a_bit_that_differs_is_refused_or_the_same(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"x": ARRAYS["x"]})
    data = (tmp_path / "a.npz").read_bytes()
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 4
        (tmp_path / "a.npz").write_bytes(changed)
        try:
            found = read_arrays(tmp_path / "a.npz")
        except ZooError:
            continue
        for array in found.values():
            np.testing.assert_array_equal(array, ARRAYS["x"])


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "unpickled"),)

    data = io.BytesIO()
    np.save(data, np.array([Touch()], dtype=object), allow_pickle=True)
    (tmp_path / "a.npy").write_bytes(data.getvalue())
    archive(tmp_path / "a.npz", x=data.getvalue())
    assert "Object arrays cannot be loaded" in refused(
        RunError, lambda: read_arrays(tmp_path / "a.npy")
    )
    assert "x.npy holds Python objects, which are never read" in refused(
        RunError, lambda: read_arrays(tmp_path / "a.npz")
    )
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header("(10,)") + b"\0" * 36, "x.npy declares 40 bytes and has 36"),
        (header("(10,)") + b"\0" * 44, "x.npy declares 40 bytes and has 44"),
        (
            header("(1000000, 1000000, 1000000)"),
            "x.npy declares 4,000,000,000,000,000,000 bytes and has 0",
        ),
        (header(f"({2**62}, 4)"), "x.npy declares 73,786,976,294,838,206,464 bytes and has 0"),
        (header("(9,)", version=2) + b"\0" * 8, "x.npy declares 36 bytes and has 8"),
        (header("(-1,)"), "x.npy declares -4 bytes and has 0"),
        (b"", "EOF"),
    ],
)
def test_a_header_that_does_not_fit_its_bytes_is_refused_before_memory_is_taken(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    path = archive(tmp_path / "a.npz", x=data)
    with pytest.raises(ValueError, match=r".") as info:
        read_npz(path)
    assert reason in str(info.value)


@pytest.mark.parametrize("version", [1, 2])
def test_headers_of_both_versions_are_read(tmp_path: Path, version: int) -> None:
    data = header("(2,)", version=version) + np.array([1, 2], "<f4").tobytes()
    assert read_npz(archive(tmp_path / "a.npz", x=data))["x"].tolist() == [1.0, 2.0]


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"readme\.txt in it is not an array"):
        read_npz(tmp_path / "a.npz")


def test_an_archive_packed_in_a_way_we_do_not_know_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", x=header("(0,)"))
    data = path.read_bytes()
    entry = data.index(b"PK\x01\x02")
    patched = bytearray(data)
    patched[8:10] = patched[entry + 10 : entry + 12] = struct.pack("<H", 99)
    path.write_bytes(patched)
    with pytest.raises(ValueError, match="is not a whole .npz file"):
        read_npz(path)


def test_without_the_extra_netcdf_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.nc").touch()
    monkeypatch.setitem(sys.modules, "h5netcdf", None)  # so Python says that it is not there
    with pytest.raises(ConfigError) as info:
        read_arrays(tmp_path / "a.nc")
    assert str(info.value) == (
        "error[bad-value]: NetCDF files need the extra `netcdf`\n  = pip install 'zoo[netcdf]'"
    )


def test_an_archive_under_the_name_of_one_array_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / "a.npz", x=header("(0,)")).rename(tmp_path / "a.npy")
    message = refused(RunError, lambda: read_arrays(tmp_path / "a.npy"))
    assert "the magic string is not correct" in message
