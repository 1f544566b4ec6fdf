"""Executes notebooks in place, as `make notebooks` does; with names, those alone.

    python docs/notebooks/execute.py [quickstart.ipynb ...]

What is stored depends on the code alone: no times, no names of machines or people.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
SECONDS = 600
"""For each cell."""


def executed(path: Path) -> nbformat.NotebookNode:
    """Gives a notebook with the outputs of running it, in the folder where it lies."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        # What libraries write past Python, such as TensorFlow's log, is for a terminal.
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


def main(names: list[str]) -> None:
    """Executes them and writes them back."""
    for path in [FOLDER / name for name in names] or sorted(FOLDER.glob("*.ipynb")):
        notebook = executed(path)
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
