"""What decides the last bits of a training beside config and seed."""

import platform
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np


@cache
def conditions() -> dict[str, str]:
    """Gives the versions, the processor and the threads that a training runs with, by name."""
    from zoo.runtime.steps import thread_counts

    between, inside = thread_counts()
    return {
        "backend": keras.backend.backend(),
        "TensorFlow": version("tensorflow"),
        "Keras": keras.__version__,
        "NumPy": np.__version__,
        "processor": _processor(),
        "devices": ", ".join(keras.distribution.list_devices()),
        "threads": f"{inside} in an operation, {between} between them",
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^(?:model name|CPU part)\s*:\s*(.*)$", text, re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
