"""A whole HTML document that needs nothing beside it."""

from zoo.report.templating import filled


def page(title: str, body: str, *, script: str = "") -> str:
    """Makes a self-contained HTML document: light and dark, for phones, screens and paper.

    The colours are CSS properties: `--ink`, `--paper`, `--line`, `--accent`, `--soft`, `--dim`,
    and `--c0` to `--c7` for what has to be told apart. A wide table goes into
    `<div class="scroll" tabindex="0">`, a number into `<td class="number">`.

    Args:
        title: Its title, as text.
        body: What is inside `<body>`: HTML, in which text from elsewhere is escaped already.
        script: JavaScript of ours, run at the end.
    """
    # Nothing in a string of the script may end it for the reader of the HTML.
    safe = script.replace("</", "<\\/")
    return filled("page.html", title=title, body=body, script=safe)
