"""Installed distributions, as `pip` leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

EntryPoints = Mapping[str, Mapping[str, str]] | str | bytes


def write_distribution(
    site: Path,
    name: str,
    entry_points: EntryPoints = "",
    modules: Mapping[str, str] | None = None,
    version: str = "1.0",
) -> Path:
    """Writes metadata and modules into a folder, and gives that of the metadata."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_bytes(_as_bytes(entry_points))
    for file, source in (modules or {}).items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(source)
    return info


def _as_bytes(entry_points: EntryPoints) -> bytes:
    if isinstance(entry_points, bytes):
        return entry_points
    if isinstance(entry_points, str):
        return entry_points.encode()
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in rows.items()) + "\n"
        for group, rows in entry_points.items()
    ).encode()
