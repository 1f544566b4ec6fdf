"""Evaluators: how good a model's gains are, and the analyses of a filter that uses them."""

from __future__ import annotations

from zoo_localization.evaluators.assimilation import assimilation
from zoo_localization.evaluators.gain_pictures import gain_pictures
from zoo_localization.evaluators.gain_rmse import gain_rmse
from zoo_localization.evaluators.localization_curve import localization_curve
from zoo_localization.tapers import tuned_cutoff

__all__ = ["assimilation", "gain_pictures", "gain_rmse", "localization_curve", "tuned_cutoff"]
