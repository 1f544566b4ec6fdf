"""Building has no memory and leaves no trace: seeds, names, policies, sizes."""

from __future__ import annotations

import random
import sys
import time

import keras
import numpy as np
import pytest

import zoo
from tests import warm
from zoo.errors import ConfigError

INNER = """
zoo = 1
name = "m"
[[inputs]]
name = "x"
shape = [6, 4]
[[layers]]
name = "attend"
type = "MultiHeadAttention"
num_heads = 2
key_dim = 3
inputs = { query = "x", value = "x" }
[[layers]]
name = "lstm"
type = "LSTM"
units = 3
return_sequences = true
[[layers]]
name = "both"
type = "Bidirectional"
layer = { type = "GRU", units = 2, return_sequences = true }
[[layers]]
name = "each"
type = "TimeDistributed"
layer = { type = "Dense", units = 2 }
[[layers]]
name = "norm"
type = "SpectralNormalization"
layer = { type = "Dense", units = 2 }
"""

DENSE = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "first", type = "Dense", units = 3, kernel_initializer = "he_normal" },
    { name = "second", type = "Dense", units = 2 },
]
train = { seed = 17 }
"""


@pytest.fixture
def build(zoo_root):
    def build(text, overrides=None):
        (zoo_root / "m.toml").write_text(text)
        return zoo.build(zoo_root / "m.toml", overrides, zoo=zoo_root)

    return build


def test_paths_of_variables_do_not_depend_on_what_was_built_before(build):
    first = [variable.path for variable in build(INNER).weights]
    for _ in range(3):
        keras.layers.Dense(1).build((None, 2))
        keras.layers.GRU(2).build((None, 2, 2))
    assert [variable.path for variable in build(INNER).weights] == first
    assert len(set(first)) == len(first)
    assert {path.partition("/")[0] for path in first} == {"attend", "lstm", "both", "each", "norm"}


def test_building_does_not_disturb_keras_own_names(build):
    before = keras.layers.Dense(1).name
    build(INNER)
    after = keras.layers.Dense(1).name
    numbers = [int(name.rpartition("_")[2]) if "_" in name else 0 for name in (before, after)]
    assert numbers[1] == numbers[0] + 1


def test_the_seed_gives_the_weights_of_hand_written_keras(build):
    model = build(DENSE)
    keras.utils.set_random_seed(17)
    x = keras.Input((4,))
    hidden = keras.layers.Dense(3, kernel_initializer="he_normal")(x)
    by_hand = keras.Model(x, keras.layers.Dense(2)(hidden))
    for mine, wanted in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_another_seed_gives_other_weights_and_the_same_seed_the_same(build):
    first, again = build(DENSE), build(DENSE)
    other = build(DENSE, {"train.seed": 18})
    for a, b, c in zip(first.weights, again.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        if a.path.endswith("kernel"):
            assert not np.array_equal(a, c)


def test_a_build_leaves_every_global_generator_alone(build):
    keras.utils.set_random_seed(3)
    expected = (random.random(), np.random.random(), float(keras.random.uniform(())))
    keras.utils.set_random_seed(3)
    build(INNER)
    assert (random.random(), np.random.random(), float(keras.random.uniform(()))) == expected


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_a_precision_is_the_models_alone(build, policy):
    before = keras.config.dtype_policy().name
    model = build(DENSE, {"train.precision": policy})
    assert model.get_layer("first").dtype_policy.name == policy
    assert model.get_layer("first").kernel.dtype == (
        "float64" if policy == "float64" else "float32"
    )
    assert keras.config.dtype_policy().name == before == "float32"
    assert keras.config.floatx() == "float32"


def test_a_failed_build_restores_the_policy_and_the_generator(build):
    state = random.getstate()
    with pytest.raises(ConfigError, match="units"):
        build(DENSE, {"train.precision": "float64", "layers.second.units": -1})
    assert keras.config.dtype_policy().name == "float32"
    assert random.getstate() == state


def test_a_chain_is_longer_than_python_recurses(build):
    node = '[[layers]]\nname = "n{}"\ntype = "Activation"\nactivation = "linear"\n'
    head, _, _ = DENSE.partition("layers = [")
    before = sys.getrecursionlimit()
    model = build(head + "".join(map(node.format, range(before + 100))))
    assert sys.getrecursionlimit() == before
    x = np.ones((2, *model.input_shape[1:]), np.float32)
    np.testing.assert_array_equal(model(x), x)


def test_a_huge_model_is_refused_at_once_and_without_memory(zoo_root):
    (zoo_root / "m.toml").write_text(DENSE.replace("units = 3", "units = 2000000000"))
    (zoo_root / "build.py").write_text(
        "import resource, sys, time, keras, zoo\n"
        "from zoo.errors import ConfigError\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, started = peak(), time.process_time()\n"
        "try:\n"
        f"    zoo.build({str(zoo_root / 'm.toml')!r}, zoo={str(zoo_root)!r})\n"
        "except ConfigError as error:\n"
        "    f = error.findings[0]\n"
        "    print(f.code, f.key, time.process_time() - started, peak() - before)\n"
        "    print(f.message)\n"
    )
    facts, message = warm.output_of(zoo_root / "build.py").splitlines()
    status, key, seconds, kilobytes = facts.split()
    assert (status, key) == ("too-large", "layers.first.units")
    assert message == (
        "with first the model has 10,000,000,000 parameters; the limit is 250,000,000"
    )
    assert float(seconds) < 10.0
    assert int(kilobytes) < 200_000  # the kernel alone would take 32 GB


def test_the_sum_of_many_layers_counts_too(build, monkeypatch):
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "22")
    with pytest.raises(ConfigError, match="with second the model has 23 parameters") as caught:
        build(DENSE)
    assert caught.value.findings[0].suggestion == "make it smaller, or set ZOO_MAX_PARAMETERS"
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "23")
    assert build(DENSE).count_params() == 23


def test_a_hundred_layers_build_in_seconds(build):
    layers = '\n[[layers]]\ntype = "Dense"\nunits = 4\n' * 100
    started = time.process_time()
    model = build(DENSE.partition("layers = [")[0] + layers)
    assert time.process_time() - started < 20.0
    assert len(model.layers) == 101
