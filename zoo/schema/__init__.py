"""JSON Schema of model configs, for editors: what the installed components take."""

from zoo.schema.document import config_schema

__all__ = ["config_schema"]
