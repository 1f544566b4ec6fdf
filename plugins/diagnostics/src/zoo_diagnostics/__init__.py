"""Metrics that tell how a training goes."""

from zoo_diagnostics.gradient_norm import GradientNorm
from zoo_diagnostics.psnr import PSNR

__all__ = ["PSNR", "GradientNorm"]
