"""Learned localization of the ensemble Kalman gain, as a plugin of the zoo."""

__version__ = "0.1.0"
