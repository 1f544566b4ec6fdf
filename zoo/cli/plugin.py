"""`zoo plugin`: what is installed, and whether it works."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_plugin
from zoo.cli.options import DebugOption, JsonOption
from zoo.cli.rows import print_rows
from zoo.errors import PluginError

_MOST_NAMES = 6
_DEFAULT_SECONDS = 60.0


@command
def plugin_list_command(as_json: JsonOption = False, debug: DebugOption = False) -> Answer:
    """List the installed plugins: what each gives, from where, and what is wrong.

    Nothing is imported. The exit status is 5 if a plugin is broken or in conflict.

    Example: zoo plugin list
    """
    from zoo.catalog.discovery import find_components
    from zoo.plugins.installed import installed_plugins

    plugins = installed_plugins(find_components())

    def text(console: Console) -> None:
        for plugin in plugins:
            place = f"{plugin.location}{', editable' if plugin.editable else ''}"
            status = "" if plugin.status == "ok" else f"  {plugin.status}"
            console.print(f"[bold]{escape(plugin.name)}[/bold] {plugin.version}{status}  ({place})")
            for kind, names in plugin.components.items():
                console.print(f"  {kind:12} {escape(_few(names))}")
            for row in plugin.problems:
                console.print(f"  [red]{row.status}[/red] {escape(row.name)}: {escape(row.reason)}")

    status = PluginError.exit_status if any(plugin.problems for plugin in plugins) else 0
    return Answer([plugin.to_json() for plugin in plugins], text, status)


@command
def plugin_check_command(
    name: Annotated[
        str,
        typer.Argument(
            help="The plugin's distribution, such as zoo-waves.", autocompletion=complete_plugin
        ),
    ],
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="S", min=0.1, help="Seconds for each module.")
    ] = _DEFAULT_SECONDS,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Import all that a plugin registers, in a process of its own, and report on it.

    The exit status is 5 if something is broken.

    Example: zoo plugin check zoo-waves
    """
    from zoo.catalog.discovery import find_components
    from zoo.plugins.installed import find_plugin, installed_plugins
    from zoo.plugins.probing import probe

    plugins = installed_plugins(find_components())
    plugin = find_plugin(name, plugins)
    rows = probe(plugin, plugins, timeout, _show_progress)
    wrong = [row for row in rows if row.result == "error"]
    document = {
        "plugin": plugin.name,
        "version": plugin.version,
        "ok": not wrong,
        "rows": [row.to_json() for row in rows],
    }

    def text(console: Console) -> None:
        print_rows(console, rows)

    return Answer(document, text, PluginError.exit_status if wrong else 0)


def _show_progress(module: str) -> None:
    print(f"importing {module}", file=sys.stderr, flush=True)


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


app = typer.Typer(help="List and check the installed plugins.", no_args_is_help=True)
app.command("list")(plugin_list_command)
app.command("check")(plugin_check_command)
