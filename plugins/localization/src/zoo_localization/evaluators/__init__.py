"""Evaluators: how good a model's gains are, and the analyses of a filter that uses them."""

from __future__ import annotations

from zoo_localization.evaluators.assimilation import assimilation
from zoo_localization.evaluators.gain_rmse import gain_rmse, tuned_cutoff

__all__ = ["assimilation", "gain_rmse", "tuned_cutoff"]
