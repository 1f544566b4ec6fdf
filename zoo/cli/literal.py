"""Help as it was written: what stands in brackets is no markup."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand, TyperGroup


@contextmanager
def _escaped(described: Iterable[Any]) -> Iterator[None]:
    from rich.markup import escape  # seldom needed

    texts = [(item, item.help) for item in described if getattr(item, "help", None)]
    for item, text in texts:
        item.help = escape(text)
    try:
        yield
    finally:
        for item, text in texts:
            item.help = text


class LiteralCommand(TyperCommand):
    """A command whose help shows `[sweep]` as `[sweep]`, which rich would take for a style."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help."""
        with _escaped([self, *self.params]):
            super().format_help(ctx, formatter)


class LiteralGroup(TyperGroup):
    """A group of commands whose help shows what stands in brackets."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help."""
        with _escaped([self, *self.params, *self.commands.values()]):
            super().format_help(ctx, formatter)
