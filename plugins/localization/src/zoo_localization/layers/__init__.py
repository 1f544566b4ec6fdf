"""Layers for Kalman gains, which are `(batch, model_size, nobs)` with state rows first."""

from zoo_localization.layers.loc_by_1d import LocBy1D
from zoo_localization.layers.localization_vector import LocalizationVector
from zoo_localization.layers.periodic_padding import PeriodicPadding1D, PeriodicPadding2D
from zoo_localization.layers.roll_to_observations import RollToObservations

__all__ = [
    "LocBy1D",
    "LocalizationVector",
    "PeriodicPadding1D",
    "PeriodicPadding2D",
    "RollToObservations",
]
