"""What the commands share that work with a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.completion import complete_version
from zoo.errors import RegistryError
from zoo.registry.document import Registry
from zoo.runtime.signals import stopped_by

if TYPE_CHECKING:
    from zoo.store.objects import Store

VersionsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME[@V]]...",
        help="Models or versions; by default all.",
        autocompletion=complete_version,
    ),
]


def known_store(registry: Registry) -> "Store":
    """Gives the store of a zoo, which has to have one."""
    if registry.store is None:
        raise RegistryError(
            "registry.toml names no store",
            suggestion='write for example [store] and url = "s3://bucket/zoo" at its end',
        )
    from zoo.store.objects import Store

    return Store(registry.store)


@contextmanager
def going_on(name: str) -> Iterator[None]:
    """Says of a command that a signal stops how to go on with it."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        again = f"what has been done is kept: zoo {name} goes on from there"
        raise stopped_by(interrupt, again) from interrupt
