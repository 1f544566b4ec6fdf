"""Layers for Kalman gains, which are `(batch, model_size, nobs)` with state rows first."""

from zoo_localization.layers.band_conv import BandConv2D
from zoo_localization.layers.gain_features import GainFeatures
from zoo_localization.layers.gain_from_band import GainFromBand
from zoo_localization.layers.loc_by_1d import LocBy1D
from zoo_localization.layers.localization_vector import LocalizationVector
from zoo_localization.layers.periodic_padding import PeriodicPadding1D, PeriodicPadding2D
from zoo_localization.layers.roll_to_observations import RollToObservations
from zoo_localization.layers.scale_blend import ScaleBlend
from zoo_localization.layers.state_band import StateBand

__all__ = [
    "BandConv2D",
    "GainFeatures",
    "GainFromBand",
    "LocBy1D",
    "LocalizationVector",
    "PeriodicPadding1D",
    "PeriodicPadding2D",
    "RollToObservations",
    "ScaleBlend",
    "StateBand",
]
