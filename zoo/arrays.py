"""Arrays in files: `.npy`, `.npz` and NetCDF, read without trusting them."""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ConfigError, RunError, StorageError
from zoo.files import read_bytes, write_atomically

Array = np.ndarray[Any, Any]

NETCDF = (".nc", ".nc4", ".h5")
SUFFIXES = (".npy", ".npz", *NETCDF)
ONLY = ""
"""The name of the array in a file that holds just one, without a name."""


def check_suffix(path: Path) -> None:
    """Refuses a file whose format is not known.

    Raises:
        ConfigError: If the suffix is not one of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"{path} has the format {path.suffix or 'of no suffix'!r}",
            suggestion=f"one of {', '.join(SUFFIXES)}",
        )


def read_arrays(path: Path) -> dict[str, Array]:
    """Reads the arrays of a file by name; nothing in it is ever unpickled.

    Raises:
        StorageError: If it cannot be read.
        RunError: If it does not hold plain arrays.
    """
    check_suffix(path)
    try:
        if path.suffix.lower() == ".npz":
            read_bytes(path)
            return read_npz(path)
        data = io.BytesIO(read_bytes(path))
        if path.suffix.lower() == ".npy":
            return {ONLY: np.lib.format.read_array(data, allow_pickle=False)}
        return _read_netcdf(data)
    except (ValueError, EOFError, MemoryError) as error:
        raise RunError(f"{path} does not hold plain arrays: {error}") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error}") from error


def read_npz(path: Path) -> dict[str, Array]:
    """Reads every array of a NumPy archive, trusting neither its headers nor its pickles.

    Raises:
        ValueError: If it is not an archive of plain arrays.
        OSError: If it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _refuse_false_size(archive, member)
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as error:
        raise ValueError(f"{path} is not a whole .npz file: {error}") from error


def write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    """Writes arrays by name; `.npy` takes one only.

    Raises:
        ConfigError: If the format cannot hold them.
        StorageError: If the file cannot be written.
    """
    data = io.BytesIO()
    if path.suffix.lower() == ".npz":
        np.savez(data, **arrays)  # type: ignore[arg-type]  # names are whatever they are
    elif path.suffix.lower() == ".npy":
        if len(arrays) > 1:
            raise ConfigError(
                f"{path.name} holds one array; the model gives {', '.join(arrays)}",
                suggestion="write an .npz or .nc file",
            )
        np.save(data, next(iter(arrays.values())))
    else:
        data = io.BytesIO(_netcdf(arrays))
    write_atomically(path, data.getvalue())


def _refuse_false_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    # A header may declare an array larger than any memory; the member's own size is known.
    if not member.filename.endswith(".npy"):
        raise ValueError(f"{member.filename} in it is not an array")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds Python objects, which are never read")
        size = int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize
        if size != member.file_size - file.tell():
            raise ValueError(
                f"{member.filename} declares {size:,} bytes and has "
                f"{member.file_size - file.tell():,}"
            )


def _read_netcdf(data: io.BytesIO) -> dict[str, Array]:
    with _h5netcdf().File(data, "r") as file:
        return {
            name: np.asarray(variable[...])
            for name, variable in file.variables.items()
            if name not in file.dimensions
        }


def _netcdf(arrays: dict[str, Array]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "arrays.nc")
        with _h5netcdf().File(path, "w") as file:
            for name, array in arrays.items():
                sizes = {
                    f"{name}_{axis}" if axis else "batch": n for axis, n in enumerate(array.shape)
                }
                for dimension, size in sizes.items():
                    if dimension not in file.dimensions:
                        file.dimensions[dimension] = size
                variable = file.create_variable(name, tuple(sizes), array.dtype)
                variable[...] = array
        return path.read_bytes()


def _h5netcdf() -> Any:
    try:
        import h5netcdf
    except ImportError as error:
        raise ConfigError(
            "NetCDF files need the extra `netcdf`", suggestion="pip install 'zoo[netcdf]'"
        ) from error
    return h5netcdf
