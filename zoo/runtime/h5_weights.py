"""The weights of Keras's own files: `.weights.h5`, and the one inside a `.keras`.

Keras is never given the file itself: the arrays that the model has are looked up in it, checked,
and written into a file that the model made. Nothing else in it is read.
"""

import io
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ConfigError, RegistryError, ZooError, in_one_line
from zoo.runtime.plain import plain_model

_MEMBER = "model.weights.h5"
_SLACK = 64 * 1024 * 1024
_MOST_COPIES = 10
_MOST_IN_A_CHUNK = 16 * 1024 * 1024
_BOTH_SIDES = "it has to come from save() or save_weights() of the same Keras model"


def weights_in_keras_file(data: bytes, what: str, model: Any) -> bytes:
    """Takes the weights out of a `.keras` file; its config is not read.

    Args:
        data: The whole file.
        what: What to call it in errors.
        model: The model that they are for, which says how large they may be.

    Raises:
        RegistryError: If it is not a whole `.keras` file.
        ConfigError: `too-large`, if they are far larger than the model.
    """
    # An optimizer's state is in there too, up to a few copies of the weights.
    limit = _SLACK + _MOST_COPIES * sum(np.asarray(v.value).nbytes for v in model.weights)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if names.count(_MEMBER) != 1:
                raise RegistryError(
                    f"{what} has {names.count(_MEMBER)} files {_MEMBER}; a .keras file has one",
                    suggestion="save it with model.save() of Keras 3",
                )
            with archive.open(_MEMBER) as member:
                weights = member.read(limit + 1)  # what the archive says of the size may be false
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise RegistryError(
            f"{what} is not a whole .keras file: {in_one_line(error)}",
            suggestion="save it with model.save() of Keras 3",
        ) from error
    except zlib.error as error:
        raise RegistryError(f"{what} is damaged: {error}", suggestion="copy it again") from error
    if len(weights) > limit:
        raise ConfigError(
            f"the weights in {what} unpack to more than {limit:,} bytes; the model needs far less",
            "too-large",
        )
    return weights


def load_h5(data: bytes, what: str, model: Any) -> None:
    """Puts the arrays of a `.weights.h5` file into a model.

    Layers are matched by their names where the file has the same names, as Keras's by the kind of
    layer and its place otherwise.

    Args:
        data: The whole file.
        what: What to call it in errors.
        model: The model.

    Raises:
        RegistryError: If it is damaged, or does not fit the model.
    """
    import h5py

    plain = plain_model(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.weights.h5")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy, by Keras's own code
            plain.save_weights(path)
        try:
            with h5py.File(path, "r+") as ours, h5py.File(io.BytesIO(data), "r") as theirs:
                _fill(ours, theirs, what)
        except ZooError:
            raise
        except Exception as error:  # h5py raises many kinds here
            raise RegistryError(
                f"{what} does not fit the model, or is damaged: {in_one_line(error)}",
                suggestion=_BOTH_SIDES,
            ) from error
        plain.load_weights(path)
    for variable, loaded in zip(model.weights, plain.weights, strict=True):
        variable.assign(loaded.value)


def _fill(ours: Any, theirs: Any, what: str) -> None:
    wrong, used = [], set()
    for target, place in _places(ours["layers"], _child(theirs, "layers")):
        if place is None:
            wrong.append(f"it lacks {_short(target.name)}")
            continue
        used.add(place.name)
        if reason := _unfit(place, target):
            wrong.append(f"{_short(place.name)} {reason}")
        else:
            target[...] = place[()]
    there = _datasets(_child(theirs, "layers"))
    wrong += [f"it has {_short(name)} besides" for name in sorted(there - used)]
    if wrong:
        listed = "; ".join(wrong[:20])
        raise RegistryError(f"{what} does not fit the model: {listed}", suggestion=_BOTH_SIDES)


def _places(ours: Any, theirs: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs each array of the model with that of the file, or None."""
    keys = _by_name(ours, theirs) if ours.name.endswith("/layers") else {}
    for key, item in ours.items():
        other = _child(theirs, keys.get(key, key))
        if hasattr(item, "items"):
            yield from _places(item, other)
        else:
            yield item, other


def _by_name(ours: Any, theirs: Any) -> dict[str, str]:
    """Finds the layers of a container by their names, if the file has all of them once."""
    if theirs is None:
        return {}
    wanted, there = _names(ours), _names(theirs)
    keys = {name: key for key, name in there.items()}
    known = len(keys) == len(there) and set(wanted.values()) <= set(keys)
    return {key: keys[name] for key, name in wanted.items()} if known else {}


def _names(container: Any) -> dict[str, str]:
    # Only layers with variables: what Keras calls the others differs between versions.
    names = {}
    for key in container:
        layer = _child(container, key)
        own = None if layer is None else _child(layer, "vars")
        if own is not None and _datasets(layer):
            names[key] = str(own.attrs.get("name", key))
    return names


def _child(group: Any, key: str) -> Any:
    import h5py

    # Links lead to other places, also to other files.
    if not isinstance(group, h5py.Group):
        return None
    return group[key] if isinstance(group.get(key, getlink=True), h5py.HardLink) else None


def _unfit(dataset: Any, target: Any) -> str | None:
    if not hasattr(dataset, "dtype") or dataset.is_virtual or dataset.external:
        return "is not a plain array"
    if dataset.shape != target.shape:
        return f"has the shape {dataset.shape}; the model's has {target.shape}"
    if int(np.prod(dataset.chunks or (), dtype=object)) > _MOST_IN_A_CHUNK:
        return "is stored in chunks that are far too large"
    if not np.can_cast(dataset.dtype, target.dtype, "same_kind"):
        return f"is {dataset.dtype}; the model's is {target.dtype}"
    return None


def _datasets(group: Any) -> set[str]:
    import h5py

    found: set[str] = set()
    if isinstance(group, h5py.Group):
        group.visititems(
            lambda _, item: found.add(item.name) if isinstance(item, h5py.Dataset) else None
        )
    return found


def _short(name: str) -> str:
    return name.removeprefix("/layers/")
