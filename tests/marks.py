"""Marks that tests share."""

import pytest

keras_gives_arrays = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)
"""Keras's variables do not know the `copy` keyword with which NumPy 2 asks for an array."""
