"""How fast zoo is, each figure as a ratio to a peer or a limit measured in the same run.

Run: `make bench`, or `make bench-full` for longer runs and larger sizes. Each group has a process
of its own, so that none finds the other's compiled code or memory. The machine should be idle.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.speed.timing import Figure

GROUPS = (
    "startup",
    "training_step",
    "build",
    "load",
    "registry",
    "lorenz05",
    "gain_generation",
    "loc_by_1d",
    "disk_pipeline",
)
"""Modules beside this one, each with a function `measure(full)` that gives figures, and curves."""

LONG_GROUPS = ("source_training", "sweep", "growth")
"""What `--full` runs besides."""

_PACKAGES = ("numpy", "tensorflow", "keras", "numba", "safetensors", "h5py")


def _measured(group: str, full: bool) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.speed", "--group", group]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [*command, *(["--full"] if full else [])], env=environment, stdout=subprocess.PIPE
    )
    # What a library says on its own is no line of the table.
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    if done.returncode != 0:
        lines.append(Figure(group, "", None, 0, detail="the group failed").to_json())
    for line in lines:
        _print(line)
    return lines


def _print(line: dict[str, Any]) -> None:
    if "exponent" in line:
        print(f"{line['name']:48} grows as {line['size']}^{line['exponent']:.2f}", flush=True)
    elif line["ratio"] is None:
        print(f"{line['name']:48} not measured: {line['detail']}", flush=True)
    else:
        sign = ">=" if line["more_is_better"] else "<="
        verdict = "reached" if line["reached"] else "SHORT"
        compared = f"{line['ratio']:8.3f}  {sign} {line['goal']:<6g} {verdict:8}"
        print(
            f"{line['name']:48} {compared}of {line['anchor']}\n{'':4}{line['detail']}", flush=True
        )


def _print_group(group: str, full: bool) -> None:
    for line in import_module(f"benchmarks.speed.{group}").measure(full):
        print(json.dumps(line.to_json()), flush=True)


def _machine() -> dict[str, Any]:
    cpu = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", cpu.read_text()) if cpu.exists() else None
    return {
        "processor": named[1] if named else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def main() -> None:
    """Prints one table, and writes it as JSON where told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="longer runs and larger sizes")
    parser.add_argument("--json", type=Path, help="where to write the table")
    parser.add_argument("--group", choices=(*GROUPS, *LONG_GROUPS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.group:
        _print_group(arguments.group, arguments.full)
        return
    began = time.monotonic()
    groups = (*GROUPS, *LONG_GROUPS) if arguments.full else GROUPS
    lines = [line for group in groups for line in _measured(group, arguments.full)]
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "full": arguments.full,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "machine": _machine(),
        "versions": _versions(),
        "figures": [line for line in lines if "exponent" not in line],
        "growth": [line for line in lines if "exponent" in line],
    }
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
