"""The model configs that this plugin ships, one TOML file a model."""
