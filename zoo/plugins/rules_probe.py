"""What `zoo plugin check` runs for shape rules, in a process of its own: they do without Keras."""

import json
import os
import sys
from typing import Any

from zoo.components import Component
from zoo.shapes.loading import load_rule


def main() -> None:
    """Imports the rules that the job on stdin names, and reports as the other probe does."""
    pipe, job = int(sys.argv[1]), json.load(sys.stdin)
    for module in job["modules"]:
        _say(pipe, {"at": module})
        for row in (Component(**data) for data in job["components"]):
            if row.target.partition(":")[0] == module:
                _say(pipe, _checked(row))
    _say(pipe, {"done": True})
    os._exit(0)


def _checked(row: Component) -> dict[str, Any]:
    about = {"subject": row.name, "check": "shape rule"}
    try:
        load_rule(row)
    except ImportError as error:
        remedy = "define it in a module that imports nothing but Python's own"
        return {**about, "result": "error", "message": str(error), "remedy": remedy}
    return {**about, "result": "ok", "message": row.target}


def _say(pipe: int, message: dict[str, Any]) -> None:
    os.write(pipe, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
