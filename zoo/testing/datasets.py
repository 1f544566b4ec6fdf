"""The rules for datasets."""

import inspect
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from zoo.components import did_you_mean
from zoo.runtime.data import SPLITS, gives_samples, split_parts
from zoo.testing import cards
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import must_agree, must_be_finite
from zoo.testing.subject import Subject

_PARTS = ("x", "y", "sample_weight")
_MOST_BATCHES = 3
_MOST_SAMPLES = 8


@dataclass(frozen=True)
class DatasetBench:
    """A dataset and what it returned.

    Attributes:
        subject: The dataset.
    """

    subject: Subject

    def call(self, **changes: Any) -> Any:
        """Calls the dataset."""
        return self.subject.target(**{**self.subject.arguments, **changes})

    @cached_property
    def data(self) -> Any:
        """What it returned the first time."""
        return self.call()

    def samples(self, data: Any = None) -> Iterator[tuple[str, str, Any]]:
        """Goes through the arrays, each with its split and its name."""
        data = self.data if data is None else data
        for split in (name for name in SPLITS if name in data):
            for part, values in zip(_PARTS, _parts_of(data[split]), strict=False):
                named = values if isinstance(values, Mapping) else {"": values}
                for name, array in named.items():
                    label = f"{part}[{name}]" if name else part
                    yield split, label, np.asarray(array)


def _parts_of(split: Any) -> tuple[Any, ...]:
    if gives_samples(split):
        split = split.samples(np.arange(min(split.sample_count, _MOST_SAMPLES)), 0)
    parts = split_parts(split)
    if parts is not None:
        return tuple(part for part in parts if part is not None)
    # A dataset of batches: the first few stand for all.
    batches = [
        keras.utils.unpack_x_y_sample_weight(keras.tree.map_structure(_as_array, batch))
        for batch in itertools.islice(_batches_of(split), _MOST_BATCHES)
    ]
    given = (part for part in zip(*batches, strict=True) if part[0] is not None)
    return tuple(keras.tree.map_structure(lambda *a: np.concatenate(a), *part) for part in given)


def _batches_of(split: Any) -> Iterator[Any]:
    if isinstance(split, keras.utils.PyDataset):
        return (split[number] for number in range(len(split)))
    return iter(split)


def _as_array(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(tensor)


@rule(
    'It returns {"train": (x, y)}, and may add "validation" and "test"; a third element is '
    "sample_weight.",
    "return a dict with at least train; see the datasets in the plugin documentation.",
)
def splits(bench: DatasetBench) -> None:
    """Checks the names of the splits and what each holds."""
    data = bench.data
    if not isinstance(data, Mapping) or "train" not in data:
        what = f"a dict with {', '.join(map(str, data))}" if isinstance(data, Mapping) else data
        raise Broken(f"it returns {what!r:.80}")
    for name in data:
        hint = did_you_mean(str(name), SPLITS) if name not in SPLITS else None
        if hint:
            raise Broken(f"there is a split {name!r}; {hint}")
    for name in (name for name in SPLITS if name in data):
        split = data[name]
        known = split_parts(split) is not None or gives_samples(split)
        if not known and not hasattr(split, "__iter__"):
            raise Broken(f"the split {name} is a {type(split).__name__}")
        if not _parts_of(split):
            raise Broken(f"the split {name} is empty")


@rule(
    "Every array holds finite numbers, as many samples as its neighbours, at least one.",
    "return arrays of float32 or integers, without NaN, the samples along the first axis.",
)
def arrays(bench: DatasetBench) -> None:
    """Checks dtypes, lengths and numbers."""
    lengths: dict[str, dict[str, int]] = {}
    for split, label, array in bench.samples():
        what = f"{label} of {split}"
        if array.dtype.kind not in "fiub" and not (array.dtype.kind in "SU" and label[0] == "x"):
            raise Broken(f"{what} holds {array.dtype}")
        if array.ndim == 0 or not len(array):
            raise Broken(f"{what} has no samples")
        must_be_finite([array], what)
        lengths.setdefault(split, {})[label] = len(array)
    for split, counts in lengths.items():
        if len(set(counts.values())) > 1:
            raise Broken(f"{split} has arrays of different lengths: {counts}")


@rule(
    "Samples have the same names, shapes and dtypes in every split.",
    "make every split by the same function.",
)
def shapes(bench: DatasetBench) -> None:
    """Compares the splits with training."""
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    for split, label, array in bench.samples():
        found.setdefault(split, {})[label] = (array.shape[1:], array.dtype)
    for split, samples in found.items():
        for label, (shape, dtype) in found["train"].items():
            if label == "sample_weight":
                continue
            if label not in samples:
                raise Broken(f"{split} has no {label}")
            if samples[label] != (shape, dtype):
                raise Broken(
                    f"{label} has samples of shape {shape} and dtype {dtype} in train, of shape "
                    f"{samples[label][0]} and dtype {samples[label][1]} in {split}"
                )


@rule(
    "The same arguments give the same data; another `seed` gives other data.",
    "draw from numpy.random.default_rng(seed), made anew in each call.",
)
def seed(bench: DatasetBench) -> None:
    """Calls it twice, and with another seed where it takes one."""
    first = [array for _, _, array in bench.samples()]
    again = [array for _, _, array in bench.samples(bench.call())]
    must_agree(again, first, "two calls differ", 0.0)
    taken = inspect.signature(bench.subject.target).parameters.get("seed")
    if taken is None:
        return
    before = bench.subject.arguments.get("seed", taken.default)
    if isinstance(before, int):
        other = [array for _, _, array in bench.samples(bench.call(seed=before + 1))]
        same = len(other) == len(first) and all(map(np.array_equal, other, first))
        if same:
            raise Broken(f"seed = {before} and seed = {before + 1} give the same data")


@rule(
    "It leaves the global random generators alone.",
    "use numpy.random.default_rng(seed), never numpy.random.seed or random.seed.",
)
def generators(bench: DatasetBench) -> None:
    """Compares the states of the global generators before and after."""
    before = _states()
    bench.call()
    if _states() != before:
        raise Broken("it draws from, or seeds, a global random generator")


def _states() -> tuple[Any, ...]:
    state: Any = np.random.get_state()
    return random.getstate(), state[1].tobytes(), state[2]


RULES = (splits, arrays, shapes, seed, generators, cards.card)
