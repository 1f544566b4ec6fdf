"""Weights from elsewhere into a version of the zoo."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.arrays import read_npz
from zoo.components import did_you_mean
from zoo.config.reader import read_toml
from zoo.digest import sha256
from zoo.errors import ConfigError, RegistryError, RunError
from zoo.files import read_bytes
from zoo.registry.document import WeightsEntry
from zoo.registry.publishing import Candidate, publish
from zoo.registry.tensors import Tensors, decode
from zoo.registry.verification import WEIGHTS_FORMAT
from zoo.resolve import ResolvedModel, resolved_toml
from zoo.runtime.fingerprint import fingerprint
from zoo.runtime.h5_weights import load_h5, weights_in_keras_file
from zoo.runtime.weights import Shelf, assign

SUFFIXES = (".npz", ".safetensors", ".weights.h5", ".keras")
LAYOUTS = ("keras", "torch")

_FROM_TORCH = {2: (1, 0), 3: (2, 1, 0), 4: (2, 3, 1, 0), 5: (2, 3, 4, 1, 0)}


@dataclass(frozen=True, slots=True)
class NameMap:
    """How the arrays of a file are called and laid out.

    Attributes:
        names: The file's name of a variable, by the variable's path in the model; a variable that
            is not listed has its own path there.
        layout: `"keras"`, or `"torch"` for kernels with the output axis first.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    layout: str = "keras"

    @classmethod
    def read(cls, path: Path) -> "NameMap":
        """Reads a map file: `layout = "torch"` and a table `[names]`.

        Raises:
            ConfigError: If it has another form.
        """
        table = read_toml(path)
        names, layout = table.pop("names", {}), table.pop("layout", "keras")
        if table:
            raise ConfigError(
                f"a map file has `layout` and [names]; received {', '.join(table)}",
                "unknown-key",
                file=str(path),
            )
        if not isinstance(names, dict) or not all(isinstance(n, str) for n in names.values()):
            raise ConfigError("[names] maps variables to names", "wrong-type", file=str(path))
        if layout not in LAYOUTS:
            raise ConfigError(f"layout is one of {', '.join(LAYOUTS)}", file=str(path))
        return cls(names, layout)


def import_weights(
    file: Path,
    model: ResolvedModel,
    shelf: Shelf,
    root: Path,
    name_map: NameMap,
    version: str | None = None,
) -> WeightsEntry:
    """Publishes the weights of a file as a version of a model; nothing in it is unpickled.

    Args:
        file: An `.npz`, `.safetensors`, Keras `.weights.h5` or `.keras` file.
        model: The model that they are of.
        shelf: Builds it.
        root: The zoo root.
        name_map: How the file calls and lays out its arrays.
        version: The version to give them.

    Returns:
        The new entry; its `parent` names the file and its SHA-256.

    Raises:
        ConfigError: If the format is not known.
        RegistryError: If the arrays do not fit the model.
        RunError: If the file is damaged or a value is not finite.
    """
    built = shelf.build(model)
    data = read_bytes(file)
    graph = shelf.graph(model, built)
    if (made_by := _graph_of(file, data)) is not None:
        shelf.compare(made_by, graph, file.name, "name the model that they are of with --model")
    if file.name.endswith((".weights.h5", ".keras")):
        is_h5 = file.suffix == ".h5"
        weights = data if is_h5 else weights_in_keras_file(data, file.name, built)
        load_h5(weights, file.name, built)
    else:
        assign(built, _fitted(_arrays(file, data), built, name_map, file), file.name)
    tensors = {variable.path: np.asarray(variable.value) for variable in built.weights}
    wrong = [path for path, array in tensors.items() if not np.isfinite(array).all()]
    if wrong:
        raise RunError(
            f"{file.name} has values that are not finite in {', '.join(wrong)}", "not-finite"
        )
    candidate = Candidate(
        name=model.name,
        description=model.description,
        source=model.source.origin,
        config=resolved_toml(model),
        tensors=tensors,
        fingerprint=fingerprint(graph),
        graph=graph,
        plugins=shelf.plugins(model),
        keras=keras.__version__,
        parent=f"import:{file.name}#sha256={sha256(data)}",
    )
    return publish(root, candidate, version)


def check_importable(file: Path) -> None:
    """Refuses a file whose format is not known.

    Raises:
        ConfigError: If its name does not end in one of `SUFFIXES`.
    """
    if not file.name.endswith(SUFFIXES):
        raise ConfigError(
            f"{file.name} is not of a format that can be imported",
            suggestion=f"one of {', '.join(SUFFIXES)}",
        )


def _arrays(file: Path, data: bytes) -> Tensors:
    if file.suffix == ".safetensors":
        return decode(data, file.name).tensors
    try:
        return read_npz(file)
    except ValueError as error:
        raise RunError(f"{file.name} does not hold plain arrays: {error}") from error


def _graph_of(file: Path, data: bytes) -> dict[str, Any] | None:
    # Only weights of a zoo say it.
    if file.suffix != ".safetensors":
        return None
    metadata = decode(data, file.name).metadata
    return dict(json.loads(metadata["graph"])) if metadata.get("format") == WEIGHTS_FORMAT else None


def _fitted(arrays: Tensors, built: Any, name_map: NameMap, file: Path) -> Tensors:
    paths = [variable.path for variable in built.weights]
    if unknown := [path for path in name_map.names if path not in paths]:
        hint = did_you_mean(unknown[0], paths, f"the model has {', '.join(paths)}")
        raise RegistryError(
            f"the map names {', '.join(unknown)}, which the model has not", suggestion=hint
        )
    sources = {path: name_map.names.get(path, path) for path in paths}
    missing = [name for name in sources.values() if name not in arrays]
    unused = [name for name in arrays if name not in sources.values()]
    if missing or unused:
        raise RegistryError(
            f"{file.name} lacks {', '.join(missing) or 'nothing'} and has "
            f"{', '.join(unused) or 'nothing'} besides",
            suggestion="map the names with --map FILE: a table [names] with lines such as "
            f'"{paths[0]}" = "{unused[0] if unused else "name in the file"}"',
        )
    return {v.path: _as_the_model_has(arrays[sources[v.path]], v, name_map) for v in built.weights}


def _as_the_model_has(array: Any, variable: Any, name_map: NameMap) -> Any:
    if name_map.layout == "torch" and variable.path.endswith("/kernel"):
        array = np.transpose(array, _FROM_TORCH.get(array.ndim))
    if not np.can_cast(array.dtype, str(variable.dtype), "same_kind"):
        raise RegistryError(
            f"{variable.path} is {array.dtype} in the file; the model has {variable.dtype}"
        )
    return array.astype(str(variable.dtype))
