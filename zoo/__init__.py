"""A model zoo for Keras."""
