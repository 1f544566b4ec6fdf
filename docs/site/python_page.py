"""The page of the Python API: what `zoo` exports, in the docstrings' own words."""

RETURNED = {
    "zoo.runs.Run": ("history", "weights", "publish", "config_path", "report_folder"),
    "zoo.catalog.catalog.Catalog": ("of_kind", "named", "find"),
    "zoo.registry.document.Registry": ("names", "versions", "latest", "find"),
}
"""What the functions return, with what of it is meant for others."""

HEAD = """# Python

`import zoo` imports neither Keras nor TensorFlow; the functions that need them do. Each class and
function stands here with its docstring. Names that begin with an underscore, and modules that are
not on this page, may change in any version.
"""
TESTING = """## zoo.testing

The conformance kit for the tests of a plugin: [what is checked](../plugins.md#testing).
"""


def python_page() -> str:
    """Gives the page as Markdown, with the directives of mkdocstrings."""
    import zoo

    names = [name for name in zoo.__all__ if not name.startswith("_")]
    classes = [name for name in names if isinstance(getattr(zoo, name), type)]
    functions = [name for name in names if name not in classes]
    parts = [HEAD, "## Functions\n", *(_directive(f"zoo.{name}") for name in functions)]
    parts += ["## What they return\n", *(_directive(*each) for each in RETURNED.items())]
    parts += ["## Errors\n", "[Every code](error-index.md), with an example and its remedy.\n"]
    parts += [_directive(f"zoo.errors.{name}") for name in classes]
    parts += [TESTING, _directive("zoo.testing.check_component")]
    return "\n".join(parts)


def _directive(path: str, members: tuple[str, ...] = ()) -> str:
    options = f"    options:\n      members: [{', '.join(members)}]\n" if members else ""
    return f"::: {path}\n{options}"
