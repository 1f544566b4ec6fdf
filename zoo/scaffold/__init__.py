"""New things from templates: a zoo, a model config, a plugin."""
