"""A Keras model into each of the formats that others read."""

import contextlib
import importlib
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ConfigError, ZooError, in_one_line
from zoo.files import storage_error, write_atomically
from zoo.registry.tensors import encode, manifest_of
from zoo.registry.verification import WEIGHTS_FORMAT
from zoo.runtime.data import output_names
from zoo.runtime.fingerprint import fingerprint
from zoo.runtime.plain import plain_model, refuse_what_needs_the_zoo

SUFFIXES = {
    "keras": ".keras",
    "h5": ".weights.h5",
    "savedmodel": ".savedmodel",
    "onnx": ".onnx",
    "tflite": ".tflite",
    "safetensors": ".safetensors",
}
"""Each format with the end of its file's name; a SavedModel is a folder."""

_OTHERS = "use another format; keras and savedmodel hold the most"
_ONLY_CODE = ("savedmodel", "onnx", "tflite")
_FLOAT32_ALONE = ("onnx", "tflite")  # most of their operations have no other
_PACKAGES = {"onnx": ("onnx", "onnxruntime", "tf2onnx")}


def check_format(kind: str) -> None:
    """Refuses a format that is not known, or whose packages are not installed.

    Raises:
        ConfigError: Naming the formats, or the extra.
    """
    if kind not in SUFFIXES:
        raise ConfigError(
            f"{kind!r} is not a format of `zoo export`", suggestion=f"one of {', '.join(SUFFIXES)}"
        )
    for package in _PACKAGES.get(kind, ()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(package)
        except ImportError as error:
            raise ConfigError(
                f"ONNX files need the extra `onnx`: there is no {package}",
                suggestion="pip install 'zoo[onnx]'",
            ) from error


def convert(model: Any, graph: dict[str, Any], reference: str, kind: str, file: Path) -> None:
    """Writes a model in a format.

    Args:
        model: The model, with its weights.
        graph: Its canonical graph.
        reference: `name@version`, or the run's folder.
        kind: The format.
        file: Where to write it; its folder is there.

    Raises:
        ConfigError: If the format cannot hold the model.
        StorageError: If it cannot be written.
    """
    if kind == "safetensors":
        _write_safetensors(model, graph, reference, file)
        return
    if kind not in _ONLY_CODE:
        refuse_what_needs_the_zoo(model)
    try:
        with _quietly():
            plain = plain_model(model, in_float32=kind in _FLOAT32_ALONE)
            _WRITERS[kind](plain, file)
    except ZooError:
        raise
    except Exception as error:  # converters raise anything
        if (full := storage_error("the export failed", error)) is not None:
            raise full from error
        raise ConfigError(
            f"{reference} cannot be written as {kind}: {_reason(error)}",
            suggestion=_OTHERS,
        ) from error


def _write_safetensors(model: Any, graph: dict[str, Any], reference: str, file: Path) -> None:
    tensors = {variable.path: np.asarray(variable.value) for variable in model.weights}
    metadata = {
        "format": WEIGHTS_FORMAT,
        "model": reference,
        "fingerprint": fingerprint(graph),
        "graph": json.dumps(graph),
        "manifest": json.dumps(manifest_of(tensors)),
    }
    write_atomically(file, encode(tensors, metadata))


def _write_onnx(model: Any, file: Path) -> None:
    import onnx

    model.export(file, format="onnx", verbose=False, input_signature=[model.input])
    proto = onnx.load(file)
    unknown = {
        node.op_type for node in proto.graph.node if not onnx.defs.has(node.op_type, node.domain)
    }
    if unknown:
        raise ConfigError(
            f"ONNX has no operation {', '.join(sorted(unknown))}, which the model needs",
            suggestion=_OTHERS,
        )
    _name_outputs(proto.graph, sorted(output_names(model)))
    onnx.save(proto, file)


def _write_tflite(model: Any, file: Path) -> None:
    model.export(file, format="litert", verbose=False)
    # Keras lets the converter borrow from TensorFlow, and few interpreters have that.
    if borrowed := sorted(set(re.findall(rb"Flex([A-Z]\w+)", file.read_bytes()))):
        names = ", ".join(name.decode() for name in borrowed)
        raise ConfigError(
            f"TensorFlow Lite has no operation {names} of its own, which the model needs",
            suggestion=_OTHERS,
        )


def _name_outputs(graph: Any, names: list[str]) -> None:
    """Gives outputs their names in the model, and every batch axis one name."""
    renamed = {output.name: name for output, name in zip(graph.output, names, strict=True)}
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for output in graph.output:
        output.name = renamed[output.name]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def _reason(error: Exception) -> str:
    # TensorFlow's converter fills pages; what counts is the operation.
    if operations := sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error)))):
        return f"TensorFlow Lite has no operation {', '.join(operations)}"
    return in_one_line(error)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keeps off stderr what converters write there, also past Python."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    disabled = logging.root.manager.disable
    try:
        os.dup2(nowhere, 2)
        logging.disable(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    "keras": lambda model, file: model.save(file),
    "h5": lambda model, file: model.save_weights(file),
    "savedmodel": lambda model, file: model.export(file, verbose=False),
    "onnx": _write_onnx,
    "tflite": _write_tflite,
}
