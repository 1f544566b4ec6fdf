"""The registry and the weights that it lists."""
