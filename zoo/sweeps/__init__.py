"""Many trainings of one config, side by side."""
