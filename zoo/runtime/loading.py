"""From a catalog row to the class or function it stands for."""

from collections.abc import Callable
from typing import Any

from entrypoints import EntryPoint

from zoo.catalog.catalog import broken
from zoo.catalog.guarding import guarded
from zoo.components import Component


def load_target(component: Component) -> Callable[..., Any]:
    """Imports what a component stands for.

    What a plugin prints at import goes to stderr, and whatever it raises, `SystemExit` included,
    becomes an error that names it.

    Raises:
        PluginError: `plugin-broken`.
    """
    try:
        with guarded():
            loaded = EntryPoint.from_string(component.target, component.name).load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() at import is not an Exception
        reason = f"importing {component.target} raised {type(error).__name__}: {error}"
        raise broken(component, reason) from error
    if not callable(loaded):
        raise broken(component, f"{component.target} is a {type(loaded).__name__}, not callable")
    target: Callable[..., Any] = loaded
    return target
