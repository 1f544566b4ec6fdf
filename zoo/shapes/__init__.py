"""Shapes and parameters of layers by rules: plain arithmetic, without Keras."""
