"""What is kept on disk to be faster.

Whatever is wrong with a kept file, it is as if it were not there; whatever keeps one from being
written, it is not kept.
"""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

from platformdirs import user_cache_dir

from zoo.digest import sha256


def cache_folder() -> Path:
    """Gives the folder of everything that is kept to be faster; `ZOO_CACHE_DIR` names another."""
    return Path(os.environ.get("ZOO_CACHE_DIR") or user_cache_dir("zoo", appauthor=False))


def kept(file: Path) -> bytes | None:
    """Gives what was kept in a file; None if nothing was, or if it is damaged."""
    try:
        digest, _, data = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    return data if sha256(data).encode() == digest else None


def keep(file: Path, data: bytes) -> None:
    """Keeps bytes in a file."""
    # Lost in a power cut, it is made anew; so nothing waits for the disk.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".kept.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(sha256(data).encode() + b"\n" + data)
            os.replace(temporary, file)
        except OSError:
            os.unlink(temporary)
            raise


def stamps(folder: Path) -> list[list[Any]]:
    """Gives what tells the code in a folder from that code after a change."""
    found = [(file.name, file.stat()) for file in sorted(folder.glob("*.py"))]
    return [[name, status.st_mtime_ns, status.st_size] for name, status in found]
