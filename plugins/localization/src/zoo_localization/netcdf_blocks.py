"""Blocks of gain pairs as NetCDF-4 files with CF attributes: needs the extra `netcdf`."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from zoo_localization.block_cache import BlockFolder, settings_text
from zoo_localization.block_settings import split_and_index
from zoo_localization.extras import imported
from zoo_localization.finite import first_place
from zoo_localization.gain_pairs import PairSettings, Snapshot
from zoo_localization.twin import Update

_DIMENSIONS = ("snapshot", "filter", "state", "obs")
# Name: dimensions, type, long name.
_VARIABLES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "snapshot": (("snapshot",), "i4", "number of the analysis in its split"),
    "filter": (("filter",), "i4", "number of the small filter"),
    "state": (("state",), "i4", "grid point of the state"),
    "obs": (("obs",), "i4", "grid point of the observation"),
    "run": (("snapshot",), "i4", "number of the truth run in its split"),
    "cycle": (("snapshot",), "i4", "cycle of the truth run"),
    "update": (("filter",), "i1", "update of the small filter"),
    "kg_raw": (_DIMENSIONS, "f4", "Kalman gain of the small ensemble"),
    "kg_true": (("snapshot", "state", "obs"), "f4", "Kalman gain of the large ensemble"),
    "mean": (("snapshot", "filter", "state"), "f4", "prior mean of the small ensemble"),
    "truth": (("snapshot", "state"), "f4", "true state"),
    "observation": (("snapshot", "obs"), "f4", "observation"),
}
_COORDINATES = ("run", "cycle", "update")
_PACKAGES = ("zoo-localization", "numpy", "numba")


class NetcdfBlocks(BlockFolder[Iterable[Snapshot], Path]):
    """A folder of blocks, each a NetCDF-4 file with everything that made it.

    A gain is one chunk, uncompressed, behind a Fletcher-32 checksum that every reader verifies: a
    damaged gain cannot be read.

    Args:
        folder: Where the blocks lie.
        settings: What every block holds pairs of.
        title: Of the dataset, for its readers.
    """

    suffix = ".nc"

    def __init__(self, folder: Path, settings: PairSettings, title: str) -> None:
        super().__init__(folder)
        self.settings = settings
        self.title = title

    def read(self, name: str) -> Path | None:
        """Return the file of a block, or `None` if it is not there, cut off, or not one of ours."""
        h5py = netcdf_library("h5py")
        path = self.path(name)
        try:
            with h5py.File(path) as file:
                shapes = {key: file[key].shape for key in _VARIABLES}
                is_whole = file.attrs["settings"] == settings_text(self.settings)
        except (KeyError, RuntimeError):
            return None
        except OSError as error:
            if not is_missing_or_damaged(error):
                raise
            return None
        return path if is_whole and shapes == self._shapes else None

    def write(self, name: str, made: Iterable[Snapshot]) -> None:
        """Write a block, one snapshot after the other as they are made."""
        h5netcdf = netcdf_library("h5netcdf")
        split, index = split_and_index(name)
        with self.replacing(name) as temporary, h5netcdf.File(temporary, "w") as file:
            self._begin(file, split, index)
            for row, taken in enumerate(made):
                for key in ("cycle", "kg_raw", "kg_true", "mean", "truth", "observation"):
                    file[key][row] = getattr(taken, key)

    @property
    def _sizes(self) -> dict[str, int]:
        settings = self.settings
        filters, nobs = len(settings.updates), settings.twin.operator.nobs
        sizes = (settings.pairs_per_block // filters, filters, settings.model_size, nobs)
        return dict(zip(_DIMENSIONS, sizes, strict=True))

    @property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        sizes = self._sizes
        return {
            name: tuple(sizes[dimension] for dimension in dimensions)
            for name, (dimensions, _, _) in _VARIABLES.items()
        }

    def _begin(self, file: Any, split: str, index: int) -> None:
        """Write all of a block but what comes with its snapshots."""
        sizes = self._sizes
        file.dimensions = sizes
        for name, (dimensions, dtype, meaning) in _VARIABLES.items():
            is_gain = name.startswith("kg_")
            chunks = (1,) * (len(dimensions) - 2) + tuple(sizes[d] for d in dimensions[-2:])
            layout = {"chunks": chunks, "fletcher32": True} if is_gain else {}
            variable = file.create_variable(name, dimensions, dtype, **layout)
            variable.attrs.update(_attributes(name, dimensions, meaning))
        operator, updates = self.settings.twin.operator, get_args(Update)
        file["snapshot"][:] = index * sizes["snapshot"] + np.arange(sizes["snapshot"])
        file["filter"][:] = np.arange(sizes["filter"])
        file["state"][:] = np.arange(sizes["state"])
        file["obs"][:] = operator.states
        file["run"][:] = np.full(sizes["snapshot"], index)
        file["update"][:] = [updates.index(update) for update in self.settings.updates]
        file.attrs.update(
            Conventions="CF-1.11",
            title=self.title,
            source="twin experiments of zoo-localization",
            split=split,
            block=np.int32(index),
            seed=np.int64(self.settings.seed),
            settings=settings_text(self.settings),
            **{f"{name.replace('-', '_')}_version": _version(name) for name in _PACKAGES},
        )


def read_pair(
    path: Path, snapshot: int, small_filter: int, pair: dict[str, NDArray[np.float32]]
) -> None:
    """Read one pair of a block.

    Args:
        path: The block.
        snapshot: Number of the analysis in it.
        small_filter: Which of its raw gains.
        pair: Arrays to fill: `kg_raw` and `kg_true`, `(model_size, nobs)`, and maybe `mean`, the
            prior mean of the small ensemble, `(model_size,)`.

    Raises:
        OSError: If the block is damaged there.
        ValueError: If a value of the pair is not finite, with its place.
    """
    filtered = (snapshot, small_filter)
    places = {"kg_raw": filtered, "kg_true": (snapshot,), "mean": filtered}
    with netcdf_library("h5py").File(path) as file:
        for name, values in pair.items():
            file[name].read_direct(values, places[name])
    for name, values in pair.items():
        _check_finite(path, name, places[name], values)


def _check_finite(path: Path, name: str, place: tuple[int, ...], values: NDArray[Any]) -> None:
    finite = np.isfinite(values)
    if finite.all():
        return
    inside = first_place(~finite)
    named = zip(_VARIABLES[name][0], (*place, *inside), strict=True)
    raise ValueError(
        f"{path}: {name} holds {values[inside]} at {', '.join(f'{d} {i}' for d, i in named)}, and "
        f"{int((~finite).sum())} values that are not finite there in all. Remove the file: it is "
        f"simulated again."
    )


def is_missing_or_damaged(error: OSError) -> bool:
    """Return whether a block has to be made again; what else keeps it from being read passes.

    HDF5 gives the system's error numbers, and none for files and checksums that are wrong.
    """
    return error.errno in (None, errno.ENOENT)


def _attributes(name: str, dimensions: tuple[str, ...], meaning: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {"long_name": meaning, "units": "1"}
    if name == "update":
        updates = get_args(Update)
        attributes["flag_values"] = np.arange(len(updates), dtype="i1")
        attributes["flag_meanings"] = " ".join(updates)
    elif name not in (*_DIMENSIONS, *_COORDINATES):
        present = [c for c in _COORDINATES if _VARIABLES[c][0][0] in dimensions]
        attributes["coordinates"] = " ".join(present)
    return attributes


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def netcdf_library(module: str) -> Any:
    """Import what reads and writes NetCDF-4 files."""
    return imported(module, "netcdf", f"gains in NetCDF-4 files need {module}")
