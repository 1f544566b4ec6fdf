"""Templates of this package, filled in with everything escaped."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # most commands make no page
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"


def filled(template: str, **values: Any) -> str:
    """Fills in a template; what it does not mark as HTML is escaped.

    Args:
        template: Its name in `templates/`.
        values: What it names; what is HTML already goes through the filter `html` there.

    Raises:
        jinja2.TemplateError: If it names something else, which is a defect.
    """
    return _environment().get_template(template).render(**values)


def as_html(text: str) -> str:
    """Marks text that is HTML already."""
    from markupsafe import Markup

    return Markup(text)


def _breakable(text: str) -> str:
    """Lets a long name be broken after its dots and slashes, where a table is narrow."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([./_])(?=[^\W\d])", r"\1<wbr>", str(escape(text))))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"html": as_html, "breakable": _breakable}
    return environment
