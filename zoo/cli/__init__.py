"""The command line: one command a file; what needs Keras imports it inside a command."""

from zoo.cli.main import main

__all__ = ["main"]
