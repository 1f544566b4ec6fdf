"""Keeps from a process what Keras imports only where it is installed, half of its seconds.

Python imports this at its start where the folder is on `PYTHONPATH`.
"""

import sys

for name in ("IPython", "jax", "pandas", "sklearn"):
    sys.modules[name] = None  # type: ignore[assignment]  # so Python marks what cannot be imported
