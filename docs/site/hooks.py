"""What the site has beyond `docs/`: pages made from the code, and the files that links lead to.

MkDocs calls the two functions below when it builds; nothing that they make is kept in the checkout.
"""

import tempfile
from pathlib import Path
from typing import Any

from commands import commands_page
from error_index import error_index
from notebooks import notebook_files
from outside import files_outside, with_links_of_the_site
from python_page import python_page

ROOT = Path(__file__).resolve().parents[2]
MADE = {
    "reference/commands.md": commands_page,
    "reference/error-index.md": error_index,
    "reference/python.md": python_page,
}
"""The pages of the site that are made from the code."""

TO_THEM = (
    "[Commands](reference/commands.md) · [Python](reference/python.md) · "
    "[error codes](reference/error-index.md) · [models](gallery-of-models/index.html) and "
    "[components](gallery-of-models/catalog.html) of this zoo"
)
"""What the front page says of them; outside of the site they are not there."""


def on_files(files: Any, config: Any) -> Any:
    """Adds the made pages, notebooks, the gallery, and what pages link to outside of `docs/`."""
    from mkdocs.structure.files import File

    for name, make in MADE.items():
        files.append(File.generated(config, name, content=make()))
    others = {**files_outside(ROOT), **notebook_files(ROOT), **_gallery_files()}
    for name, content in others.items():
        files.append(File.generated(config, name, content=content))
    return files


def _gallery_files() -> dict[str, bytes]:
    """The gallery of this zoo with its catalog of components, as `zoo site` writes it."""
    from zoo.report.site import write_site
    from zoo.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        written = write_site(Path(folder), Workspace(ROOT))
        pages = {path.relative_to(folder): path for path in written if path.is_file()}
        return {f"gallery-of-models/{name}": path.read_bytes() for name, path in pages.items()}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns links that leave `docs/` into links to what the site has in their place."""
    if page.file.src_uri == "index.md":
        markdown = markdown.replace("<!-- pages that the site makes -->", TO_THEM)
    return with_links_of_the_site(markdown, page.file.src_uri, ROOT)
