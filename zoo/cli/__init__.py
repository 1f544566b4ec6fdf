"""The command line: one command a file; what needs Keras imports it inside a command."""

import os

# Pydantic would read every installed distribution's entry points for plugins of its own, and fail
# as a whole on the first that is malformed.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from zoo.cli.main import main

__all__ = ["main"]
