"""The installed plugins, and what is kept of them to be faster."""

import os
from collections.abc import Iterator
from pathlib import Path

from zoo.cache import cache_folder
from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import CORE, installed_twice, installed_versions
from zoo.components import normalized
from zoo.plugins.installed import installed_plugins, unmet_requirements, what_it_gives
from zoo.rows import Row

_SWITCH = "ZOO_DISABLE_PLUGINS"


def look_at_plugins(catalog: Catalog) -> Iterator[Row]:
    """Looks at each plugin, and at what is switched off."""
    plugins = installed_plugins(catalog)
    installed, twice = installed_versions(), installed_twice()
    for plugin in plugins:
        if plugin.disabled:
            message = f"{plugin.version}, left out by {_SWITCH}"
            yield Row("plugins", plugin.name, "warning", message, f"unset {_SWITCH}")
            continue
        for row in plugin.problems:
            message = f"{row.status}: {row.name}: {row.reason}"
            remedy = f"zoo plugin check {plugin.name}"
            yield Row("plugins", plugin.name, "error", message, remedy)
        if plugin.name in twice:
            message = f"installed twice: {' and '.join(twice[plugin.name])}; the first one speaks"
            remedy = f"pip uninstall {plugin.name}, until it is gone; then install it again"
            yield Row("plugins", plugin.name, "warning", message, remedy)
        for sentence in unmet_requirements(plugin.name, installed) if plugin.name != CORE else ():
            remedy = f"pip install --upgrade {plugin.name}"
            yield Row("plugins", plugin.name, "warning", sentence, remedy)
        if not plugin.problems:
            yield Row("plugins", plugin.name, "ok", f"{plugin.version}: {what_it_gives(plugin)}")
    known = {plugin.name for plugin in plugins}
    for name in os.environ.get(_SWITCH, "").split(","):
        if name.strip() not in ("", "1") and normalized(name.strip()) not in known:
            message = f"{_SWITCH} names {name.strip()!r}, which no plugin is called"
            yield Row("plugins", _SWITCH, "warning", message, "`zoo plugin list` shows the names")


def look_at_cache() -> Iterator[Row]:
    """Looks at the folder in which argument cards are kept."""
    folder = cache_folder()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    size = sum(path.stat().st_size for path in files) / 2**20
    message = f"{folder}: {len(files)} files, {size:.1f} MiB"
    if _is_writable(folder):
        yield Row("cache", "folder", "ok", message)
    else:
        remedy = "name a folder that is yours by ZOO_CACHE_DIR; without one, commands are slower"
        yield Row("cache", "folder", "warning", f"{message}, not writable", remedy)


def _is_writable(folder: Path) -> bool:
    above = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)
