"""Gains in files that others made: NetCDF-4, `.npy` and `.npz`, checked before they are used."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo_localization.finite import first_place
from zoo_localization.netcdf_blocks import netcdf_library
from zoo_localization.observations import ObservationOperator

# NetCDF attributes that say that the values in the file are not the values that are meant.
_PACKING = ("scale_factor", "add_offset")
_SUFFIXES = (".npy", ".npz", ".nc", ".nc4", ".h5")


@dataclass(frozen=True)
class Names:
    """What the arrays are called in files that hold several.

    Args:
        raw: Raw gains.
        reference: Reference gains.
        mean: Prior means of the small ensembles; `None` if they are not wanted.
        locations: The observed state of each observation, from 0; `None` for the coordinate
            variable of the raw gain's last dimension, if it has one.
    """

    raw: str
    reference: str
    mean: str | None
    locations: str | None


@dataclass(frozen=True)
class GainFile:
    """The gains of one file, or of one file each for raw and reference.

    Args:
        path: Where the raw gains are, for messages.
        reference_path: Where the reference gains are.
        raw: Array-like, `([times, [filters,]] model_size, nobs)`.
        reference: The same shape, or that without the filters' axis.
        mean: The shape of `raw` without its last axis, if there is one.
    """

    path: Path
    reference_path: Path
    raw: Any
    reference: Any
    mean: Any = None

    @property
    def times(self) -> int:
        """How many analyses there are, one after the other."""
        return int(self.raw.shape[0]) if len(self.raw.shape) > 2 else 1

    @property
    def filters(self) -> int:
        """How many raw gains each of them has."""
        return int(self.raw.shape[1]) if len(self.raw.shape) > 3 else 1

    @property
    def shape(self) -> tuple[int, int]:
        """`(model_size, nobs)`."""
        return (int(self.raw.shape[-2]), int(self.raw.shape[-1]))

    def read(self, time: int, small_filter: int, pair: dict[str, Any]) -> None:
        """Fill the float32 arrays of a pair: `kg_raw` and `kg_true`, and `mean` if it is there."""
        place = (time, small_filter)
        arrays = {"kg_raw": self.raw, "kg_true": self.reference, "mean": self.mean}
        for key, values in pair.items():
            array = arrays[key]
            # The reference gain may be the same for all filters; a mean has one axis less.
            leading = place[: len(array.shape) - values.ndim]
            if isinstance(array, _NetcdfArray):
                array.read_into(values, leading)
            else:
                values[...] = array[leading]

    def check_values(self, advance: Callable[[], None]) -> None:
        """Read all gains once, and check that they are finite; warn where nothing can be learned.

        Args:
            advance: Called after each time.

        Raises:
            ValueError: If one is not, with its place.
        """
        pair: dict[str, Any] = {
            key: np.empty(self.shape, np.float32) for key in ("kg_raw", "kg_true")
        }
        if self.mean is not None:
            pair["mean"] = np.empty(self.shape[0], np.float32)
        empty = same = 0
        for time in range(self.times):
            for small_filter in range(self.filters):
                self.read(time, small_filter, pair)
                for key, array in pair.items():
                    self._check_finite(key, array, (time, small_filter))
                empty += not pair["kg_true"].any()
                same += np.array_equal(pair["kg_raw"], pair["kg_true"])
            advance()
        self._warn("0 everywhere", empty)
        self._warn("the raw gain itself", same)

    def _warn(self, what: str, count: int) -> None:
        if count:
            warnings.warn(
                f"{self.reference_path}: the reference gain is {what} in {count} of "
                f"{self.times * self.filters} pairs; nothing is to be learned from those.",
                stacklevel=2,
            )

    def _check_finite(self, key: str, array: Any, place: tuple[int, int]) -> None:
        finite = np.isfinite(array)
        if finite.all():
            return
        inside = first_place(~finite)
        leading = place[: len(self.raw.shape) - 2]
        path = self.reference_path if key == "kg_true" else self.path
        what = {"kg_raw": "raw gain", "kg_true": "reference gain", "mean": "mean"}[key]
        raise ValueError(
            f"{path}: the {what} holds {array[inside]} at {[*leading, *inside]} (time, filter, "
            f"state, observation, as far as the array has them), and {int((~finite).sum())} values "
            f"that are not finite in that gain. Leave such times out of the file."
        )


def open_gains(path: Path, reference_path: Path, names: Names) -> GainFile:
    """Open the gains of a file, and check their shapes.

    Args:
        path: Where the raw gains are.
        reference_path: Where the reference gains are; the same file, or another.
        names: What they are called.

    Returns:
        The gains, not yet read.

    Raises:
        ValueError: If there are no such arrays, or their shapes do not fit one another.
    """
    raw = _open_array(path, names.raw)
    reference = _open_array(reference_path, names.reference)
    mean = None if names.mean is None else _open_array(path, names.mean)
    if not 2 <= len(raw.shape) <= 4 or 0 in raw.shape:
        raise ValueError(
            f"{path}: raw gains must be ([times, [filters,]] model_size, nobs), got shape "
            f"{tuple(raw.shape)}."
        )
    if raw.shape[-2] < raw.shape[-1]:
        raise ValueError(
            f"{path}: raw gains must end in (model_size, nobs), states first, got shape "
            f"{tuple(raw.shape)} with more observations than states. Transpose them."
        )
    shared = (*raw.shape[:-3], *raw.shape[-2:]) if len(raw.shape) == 4 else raw.shape
    if tuple(reference.shape) not in (tuple(raw.shape), shared):
        raise ValueError(
            f"{reference_path}: reference gains must have the shape of the raw gains of {path}, "
            f"{tuple(raw.shape)}, or that without the filters' axis, got "
            f"{tuple(reference.shape)}."
        )
    if mean is not None and tuple(mean.shape) != tuple(raw.shape[:-1]):
        raise ValueError(
            f"{path}: means must have the shape of the raw gains without observations, "
            f"{tuple(raw.shape[:-1])}, got {tuple(mean.shape)}."
        )
    return GainFile(path, reference_path, raw, reference, mean)


def check_grid(path: Path, gains: GainFile, names: Names, model_size: int, obs_dens: int) -> None:
    """Check that gains are of the grid and the observations that are expected.

    Args:
        path: The file of the raw gains.
        gains: What it holds.
        names: What the arrays are called.
        model_size: Number of states, N.
        obs_dens: States per observation.

    Raises:
        ValueError: If the gains are of other sizes, or their observations are out of order, or
            elsewhere.
    """
    operator = ObservationOperator(model_size, obs_dens)
    expected, shape = (model_size, operator.nobs), tuple(gains.raw.shape[-2:])
    if shape != expected:
        raise ValueError(
            f"{path}: gains must be of (model_size, nobs) = {expected}, one observation every "
            f"obs_dens={obs_dens} states, got {shape}. Name the files of one grid only, or say "
            f"which is meant with model_size and obs_dens."
        )
    locations = _locations(path, names)
    if locations is None:
        return
    try:
        found = ObservationOperator.at(locations, model_size)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if found != operator:
        raise ValueError(
            f"{path}: its observations are one every {found.obs_dens} states, expected one every "
            f"obs_dens={obs_dens}."
        )


def _open_array(path: Path, name: str) -> Any:
    """Open an array of numbers in a file; what an archive holds is read, the rest is not yet."""
    if path.suffix not in _SUFFIXES:
        raise ValueError(f"{path}: gains are read from {', '.join(_SUFFIXES)} files.")
    try:
        if path.suffix == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                array = archive[_known(name, archive.files, path)]
        else:
            array = _NetcdfArray(path, name)
    except (FileNotFoundError, ImportError):
        raise
    except (OSError, ValueError, EOFError) as error:
        text = str(error)
        place = "" if text.startswith(str(path)) else f"{path}: not readable: "
        raise ValueError(f"{place}{text}") from error
    if np.dtype(array.dtype).kind not in "fiu":
        raise ValueError(f"{path}: {name} holds {array.dtype}, and numbers are needed.")
    return array


class _NetcdfArray:
    """A variable of a NetCDF-4 file, which is open only while it is read."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with self._file() as file:
            variable = file[_known(name, list(file), path)]
            self.shape, self.dtype = variable.shape, variable.dtype
            if packed := [key for key in _PACKING if key in variable.attrs]:
                raise ValueError(
                    f"{path}: {name} is packed ({', '.join(packed)}). Write it unpacked, as floats."
                )
            self.missing = variable.attrs.get("_FillValue")

    def __getitem__(self, place: Any) -> Any:
        values = np.empty(self.shape, np.float32)[place]
        self.read_into(values, place)
        return values

    def read_into(self, values: Any, place: Any) -> None:
        """Read what stands at a place into an array, float32 or another type of numbers."""
        try:
            with self._file() as file:
                file[self.name].read_direct(values, place)
        except OSError as error:
            raise ValueError(f"{self.path}: {self.name} at {place} is damaged: {error}") from error
        if self.missing is not None:
            values[values == np.asarray(self.missing, np.float32)] = np.nan

    def _file(self) -> AbstractContextManager[Any]:
        file: AbstractContextManager[Any] = netcdf_library("h5py").File(self.path)
        return file


def _locations(path: Path, names: Names) -> Any:
    """Return the state of each observation as the file has it, or `None`."""
    if names.locations is not None:
        return np.asarray(_open_array(path, names.locations)[()])
    if path.suffix in (".npy", ".npz"):
        return None
    # Plain HDF5 files name no dimensions.
    with netcdf_library("h5netcdf").File(path, "r", phony_dims="sort") as file:
        dimension = file.variables[names.raw].dimensions[-1]
        return file.variables[dimension][()] if dimension in file.variables else None


def _known(name: str, there: list[str], path: Path) -> str:
    if name not in there:
        raise ValueError(
            f"{path}: there is no array {name!r}; it has {', '.join(sorted(there))}. Say which is "
            f"meant with raw, reference, mean and locations."
        )
    return name
