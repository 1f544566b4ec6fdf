"""Markdown to HTML, safe for text that plugins and configs bring."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # most commands show none
    from markdown_it import MarkdownIt


def markdown(text: str) -> str:
    """Renders Markdown with tables as HTML.

    HTML in it is shown as text, links with a scheme such as `javascript:` are no links, and
    images, which would be fetched from elsewhere, become links to them.

    Args:
        text: The Markdown.
    """
    return str(_renderer().render(text))


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    renderer.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>\n')
    renderer.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return renderer
