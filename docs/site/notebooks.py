"""The notebooks as pages, with the outputs that they hold."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PICTURE = "image/png"


def notebook_files(root: Path) -> dict[str, str | bytes]:
    """Gives a page for each notebook, and the pictures in it, by their paths in the site."""
    files: dict[str, str | bytes] = {}
    for path in sorted((root / "docs" / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        pictures: dict[str, bytes] = {}
        parts = [part for cell in cells for part in _cell(cell, path.stem, pictures)]
        title, _, rest = "\n\n".join(parts).partition("\n")
        note = f'<a href="{path.name}" download>Download this notebook</a>'
        files[f"notebooks/{path.stem}.md"] = f"{title}\n\n{note}\n{rest}\n"
        files |= {f"notebooks/{name}": content for name, content in pictures.items()}
    return files


def _cell(cell: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if PICTURE in data:
            name = f"{stem}-{len(pictures) + 1}.png"
            pictures[name] = base64.b64decode("".join(data[PICTURE]))
            yield f"![What the cell above draws]({name})"
        else:
            text = "".join(output.get("text") or data.get("text/plain", ""))
            yield f"```text\n{text.rstrip()}\n```"
