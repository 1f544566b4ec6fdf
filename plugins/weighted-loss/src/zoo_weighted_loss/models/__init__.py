"""Model configs: one TOML file for each name under `zoo.models` in `pyproject.toml`."""
