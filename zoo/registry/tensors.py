"""Weights files: safetensors whose metadata says what they are of.

NumPy is imported only where arrays are read or written: most commands need none.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import RegistryError
from zoo.files import out_of_memory

if TYPE_CHECKING:
    import numpy as np

Tensors = dict[str, "np.ndarray[Any, Any]"]
_SLACK = 4 * 1024 * 1024
_HEADER_LIMIT = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TensorFile:
    """The content of a safetensors file.

    Attributes:
        tensors: Each array by its variable's path.
        metadata: Texts by key.
    """

    tensors: Tensors
    metadata: dict[str, str]


def encode(tensors: Tensors, metadata: dict[str, str]) -> bytes:
    """Writes arrays and metadata as safetensors bytes; equal content gives equal bytes.

    Raises:
        StorageError: If there is too little memory.
    """
    try:
        return _encoded(tensors, metadata)
    except MemoryError as error:
        raise out_of_memory("cannot write the weights", error) from error


def _encoded(tensors: Tensors, metadata: dict[str, str]) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    contiguous = {path: np.ascontiguousarray(array) for path, array in tensors.items()}
    # ascontiguousarray makes a scalar a vector of one.
    shaped = {path: contiguous[path].reshape(array.shape) for path, array in tensors.items()}
    _ask_for_memory(sum(array.nbytes for array in shaped.values()))
    data = bytes(save(shaped))
    # The library writes metadata in an order that changes from process to process.
    start = 8 + int.from_bytes(data[:8], "little")
    listed = json.loads(data[8:start])
    header = json.dumps({"__metadata__": metadata, **listed}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[start:]


def decode(data: bytes, what: str) -> TensorFile:
    """Reads safetensors bytes; nothing in them is ever executed.

    Args:
        data: The whole file.
        what: What to call it in errors.

    Raises:
        RegistryError: If the bytes are not a safetensors file.
        StorageError: If there is too little memory.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        metadata = read_metadata(data)
        _ask_for_memory(len(data))
        return TensorFile(dict(sorted(load(data).items())), metadata)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RegistryError(
            f"{what} is not a safetensors file: {error}",
            suggestion="restore the file; `zoo verify` checks every version",
        ) from error
    except MemoryError as error:
        raise out_of_memory(f"cannot read {what}", error) from error


def _ask_for_memory(size: int) -> None:
    # Where there is none left, the library ends the process instead of raising. Memory that is
    # only asked for costs nothing; it makes three copies.
    import numpy as np

    np.empty(3 * size + _SLACK, np.uint8)


def read_metadata(data: bytes) -> dict[str, str]:
    """Reads only the metadata of safetensors bytes; a `ValueError` if there is none."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _HEADER_LIMIT):
        raise ValueError("its header is longer than the file")
    header = json.loads(data[8 : 8 + length])
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    if not isinstance(metadata, dict):
        raise ValueError("its metadata is not a table")
    return {str(key): str(value) for key, value in metadata.items()}


def read_metadata_of(path: Path) -> dict[str, str]:
    """Reads only the metadata of a safetensors file, however large it is."""
    with path.open("rb") as file:
        start = file.read(8)
        length = min(int.from_bytes(start, "little"), _HEADER_LIMIT)
        return read_metadata(start + file.read(length))


def manifest_of(tensors: Tensors) -> list[list[Any]]:
    """Lists path, shape and dtype of each array, in order."""
    return [[path, list(array.shape), str(array.dtype)] for path, array in tensors.items()]
