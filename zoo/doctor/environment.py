"""Python, its packages and the machine."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

from zoo.catalog.discovery import CORE, installed_versions
from zoo.errors import StorageError
from zoo.plugins.installed import unmet_requirements
from zoo.rows import Row

_PACKAGES = ("tensorflow", "keras", "numpy")
_BACKEND = "tensorflow"
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_GIB = 2**30
_LITTLE_SPACE = 1.0
_NO_SPACE = 0.1
_CUDA_LIBRARY = "nvidia-cudnn-cu12"


def look_at_environment(root: Path | None) -> Iterator[Row]:
    """Looks at Python, the packages that are needed, and the machine."""
    installed = installed_versions()
    yield _python()
    for name in _PACKAGES:
        version = installed.get(name)
        if version:
            yield Row("environment", name, "ok", version)
        else:
            yield Row("environment", name, "error", "not installed", f"pip install {name}")
    unmet = unmet_requirements(CORE, installed)
    for sentence in unmet:
        yield Row("environment", "packages", "error", sentence, "`make install`, or pip install it")
    if not unmet:
        yield Row("environment", "packages", "ok", "every requirement of the zoo is met")
    yield _backend()
    yield _processors()
    yield _accelerators(installed)
    yield _disk(root or Path.cwd())


def _python() -> Row:
    version = platform.python_version()
    try:
        wanted = metadata.metadata(CORE)["Requires-Python"] or ""
    except (metadata.PackageNotFoundError, KeyError):
        wanted = ""
    where = f"{version} ({sys.executable})"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Row("environment", "python", "ok", where)
    message = f"{where}; {wanted} is required"
    return Row("environment", "python", "error", message, "make a new environment with it")


def _backend() -> Row:
    """Reads Keras's backend as Keras does: the environment first, then its settings file."""
    named = os.environ.get("KERAS_BACKEND")
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    file = folder / "keras.json"
    source = "KERAS_BACKEND"
    if not named:
        try:
            settings = json.loads(file.read_text(encoding="utf-8"))
            named, source = str(settings.get("backend", _BACKEND)), str(file)
        except OSError:
            named, source = _BACKEND, "the default"
        except (ValueError, AttributeError) as error:
            message = f"{file} cannot be read: {error}"
            return Row(
                "environment", "backend", "warning", message, f"correct it, or remove {file}"
            )
    message = f"{named} ({source})"
    if named == _BACKEND:
        return Row("environment", "backend", "ok", message)
    remedy = f"set KERAS_BACKEND={_BACKEND}: training loops and metrics of gradients need it"
    return Row("environment", "backend", "warning", message, remedy)


def _processors() -> Row:
    # As many as this process may use, which a container or `taskset` can limit.
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = [f"{name}={os.environ[name]}" for name in _THREADS if name in os.environ]
    limits = f"; {', '.join(threads)}" if threads else ""
    return Row("environment", "cpu", "ok", f"{count} cores{limits}")


def _accelerators(installed: dict[str, str]) -> Row:
    command = shutil.which("nvidia-smi")
    if command is None:
        return Row("environment", "gpu", "ok", "none; everything runs on the CPU")
    try:
        done = subprocess.run(
            [command, "--list-gpus"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"nvidia-smi fails: {error}"
        return Row("environment", "gpu", "warning", message, "look at the driver")
    names = [line.partition(" (UUID")[0] for line in done.stdout.splitlines() if line.strip()]
    message = "; ".join(names) or "none"
    if names and _CUDA_LIBRARY not in installed:
        remedy = "pip install 'tensorflow[and-cuda]', unless CUDA is installed on the system"
        return Row("environment", "gpu", "warning", f"{message}, without {_CUDA_LIBRARY}", remedy)
    return Row("environment", "gpu", "ok", message)


def _disk(folder: Path) -> Row:
    try:
        free = shutil.disk_usage(folder).free / _GIB
    except OSError as error:
        message = f"{folder}: {error.strerror}"
        remedy = "go to a folder that is there and yours"
        return Row("environment", "disk", "error", message, remedy, StorageError.exit_status)
    message = f"{free:,.1f} GiB free at {folder}"
    remedy = "make room: checkpoints and weights are written whole or not at all"
    if free < _NO_SPACE:
        return Row("environment", "disk", "error", message, remedy, StorageError.exit_status)
    if free < _LITTLE_SPACE:
        return Row("environment", "disk", "warning", message, remedy)
    return Row("environment", "disk", "ok", message)
