"""A mean squared error in which some elements count more than others."""

from zoo_weighted_loss.loss import WeightedMSE

__all__ = ["WeightedMSE"]
