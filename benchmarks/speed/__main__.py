"""How fast zoo is, each figure as a ratio to a peer or a limit measured in the same run.

Run: `make bench`, or `make bench-full` for longer runs and larger sizes. Each group has a process
of its own, so that none finds the other's compiled code or memory. The machine should be idle.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

GROUPS = ("training_step", "build", "load", "registry")


def _measured(group: str, full: bool) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.speed", "--group", group]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [*command, *(["--full"] if full else [])], env=environment, stdout=subprocess.PIPE
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        _print(line)
    if done.returncode != 0:
        print(f"{group}: failed, see above", file=sys.stderr)
    return lines


def _print(line: dict[str, Any]) -> None:
    sign = ">=" if line["more_is_better"] else "<="
    verdict = "reached" if line["reached"] else "SHORT"
    print(f"{line['name']:48} {line['ratio']:8.3f}  {sign} {line['goal']:<6g} {verdict:8}", end="")
    print(f"of {line['anchor']}\n{'':4}{line['detail']}", flush=True)


def _print_group(group: str, full: bool) -> None:
    for figure in import_module(f"benchmarks.speed.{group}").measure(full):
        print(json.dumps(figure.to_json()), flush=True)


def main() -> None:
    """Prints one table, and writes it as JSON where told."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="longer runs and larger sizes")
    parser.add_argument("--json", type=Path, help="where to write the table")
    parser.add_argument("--group", choices=GROUPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.group:
        _print_group(arguments.group, arguments.full)
        return
    figures = [line for group in GROUPS for line in _measured(group, arguments.full)]
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "figures": figures,
    }
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
