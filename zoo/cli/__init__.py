"""The command line: one command a file; what needs Keras imports it inside a command."""

import os

from zoo.runtime.signals import leave_on_signals

# Pydantic would read every installed distribution's entry points for plugins of its own, and fail
# as a whole on the first that is malformed.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

__all__ = ["main"]


def main() -> None:
    """Runs the command line; from here on a signal ends it with 130 or 143."""
    leave_on_signals()
    # Imported here, since the imports of a command take most of its time.
    from zoo.cli.app import main as run

    run()
