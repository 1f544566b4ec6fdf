"""What leaves the zoo computes the same where there is no zoo, or does not leave it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from tests import warm
from zoo.errors import ConfigError, RunError
from zoo.runtime import converting, exporting
from zoo.runtime.converting import SUFFIXES, check_format
from zoo.runtime.export_check import Agreement
from zoo.runtime.exporting import Exported, export
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

# `test_a_keras_file_gives_numpys_numbers_where_there_is_no_zoo` has a fresh interpreter.
pytestmark = pytest.mark.usefixtures("warm_processes")

RICH = """
zoo = 1
name = "rich"
outputs = ["z_sum", "a_image"]

[[inputs]]
name = "right"
shape = [6, 2]

[[inputs]]
name = "left"
shape = [6, 2]

[[layers]]
name = "mixed"
type = "Conv1D"
inputs = "right"
filters = 3
kernel_size = 3
padding = "same"
activation = { type = "leaky_relu", negative_slope = 0.3 }

[[layers]]
name = "normal"
type = "BatchNormalization"

[[layers]]
name = "other"
type = "Dense"
inputs = "left"
units = 3
activation = "tanh"

[[layers]]
name = "again"
inputs = "right"
shared_with = "other"

[[layers]]
name = "a_image"
type = "Subtract"
inputs = ["normal", "other"]

[[layers]]
name = "both"
type = "Concatenate"
inputs = ["a_image", "again"]

[[layers]]
name = "flat"
type = "Flatten"

[[layers]]
name = "z_sum"
type = "Dense"
units = 1

[train]
precision = "PRECISION"
"""
PLAIN = """
zoo = 1
name = "plain"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "d"
type = "Dense"
units = 2
activation = ACTIVATION
"""


def nowhere(line: str) -> None:
    del line


def shelf_of(root: Path) -> Shelf:
    workspace = Workspace(root)
    return Shelf(workspace.registry, workspace.catalog)


def built(root: Path, text: str) -> tuple[Any, Any]:
    """Builds a config, and gives all its weights, the state of a normalization too, some values."""
    (root / "model.toml").write_text(text)
    resolved = Workspace(root).check(root / "model.toml").usable
    shelf = shelf_of(root)
    model = shelf.build(resolved)
    generator = np.random.default_rng(7)
    for variable in model.weights:
        values = generator.uniform(0.2, 1.0, variable.shape)
        variable.assign(values.astype("float32"))
    return model, shelf.graph(resolved, model)


def exported(root: Path, text: str, kind: str) -> Exported:
    model, graph = built(root, text)
    file = root / "out" / f"m{SUFFIXES[kind]}"
    return export(model, graph, "rich@1.0.0", kind, file, nowhere)


def rich(precision: str = "float32") -> str:
    return RICH.replace("PRECISION", precision)


def plain(activation: str = '"relu"') -> str:
    return PLAIN.replace("ACTIVATION", activation)


SLOW = ("h5", "savedmodel", "safetensors")  # the command line's tests have each of them


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the check in a fresh process, which takes seconds, where a test has its own."""
    found = Agreement(0.0, 0.0, "float32")
    monkeypatch.setattr(exporting, "agreement", lambda *_: found)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow) if k in SLOW else k for k in SUFFIXES]
)
def test_every_format_holds_two_inputs_two_outputs_and_the_state(zoo_root: Path, kind: str) -> None:
    done = exported(zoo_root, rich(), kind)
    assert done.check.difference <= done.check.tolerance <= 1e-5
    assert done.check.precision == "float32"
    assert [path.name for path in (zoo_root / "out").iterdir()] == [done.file.name]
    assert done.modules == ()


@pytest.mark.parametrize(
    ("precision", "kind"),
    [
        ("mixed_float16", "keras"),
        pytest.param("mixed_bfloat16", "savedmodel", marks=pytest.mark.slow),
        pytest.param("mixed_bfloat16", "onnx", marks=pytest.mark.slow),
        pytest.param("mixed_float16", "tflite", marks=pytest.mark.slow),
        pytest.param("bfloat16", "safetensors", marks=pytest.mark.slow),
    ],
)
def test_low_precision_is_exported_and_the_tolerance_says_so(
    zoo_root: Path, precision: str, kind: str
) -> None:
    done = exported(zoo_root, rich(precision), kind)
    assert done.check.precision == precision.removeprefix("mixed_")
    assert done.check.difference <= done.check.tolerance


def test_a_keras_file_gives_numpys_numbers_where_there_is_no_zoo(
    zoo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.runtime.export_check.subprocess", subprocess)
    model, graph = built(zoo_root, plain('{ type = "leaky_relu", negative_slope = 0.25 }'))
    model.get_layer("d").bias.assign([-9.0, 1.0])
    done = export(model, graph, "plain@1.0.0", "keras", zoo_root / "p.keras", nowhere)
    x = np.linspace(-1, 1, 12).reshape(3, 4)
    assert done.check.difference <= done.check.tolerance
    (zoo_root / "alone.py").write_text(
        "import sys; sys.modules['zoo'] = None\n"
        "import json, keras, numpy as np\n"
        f"model = keras.saving.load_model({str(done.file)!r})\n"
        f"print(json.dumps(model(np.array({x.tolist()}, 'float32')).numpy().tolist()))\n"
    )
    printed = warm.output_of(zoo_root / "alone.py")
    kernel, bias = (np.asarray(v.value, "float64") for v in model.weights)
    before = x @ kernel + bias
    expected = np.where(before > 0, before, 0.25 * before)
    assert (before[:, 0] < 0).all()
    np.testing.assert_allclose(json.loads(printed.splitlines()[-1]), expected, rtol=1e-6)


def test_a_model_of_the_zoo_inside_another_is_exported_as_keras_own(zoo_root: Path) -> None:
    (zoo_root / "plain.toml").write_text(
        plain() + '[data]\ntype = "synthetic"\nx_shape = [4]\ny_shape = [2]\nsamples = 8\n'
        '[train]\nepochs = 1\n[loss]\ntype = "mse"\n[optimizer]\ntype = "SGD"\n'
    )
    zoo.train(zoo_root / "plain.toml", zoo=zoo_root).publish()
    nested = (
        'zoo = 1\nname = "nested"\n[[inputs]]\nname = "x"\nshape = [4]\n'
        '[[layers]]\nname = "inner"\ntype = "zoo:plain@1"\n'
        '[[layers]]\nname = "twice"\ntype = "Rescaling"\nscale = 2.0\n'
    )
    done = exported(zoo_root, nested, "keras")
    assert done.check.difference == 0.0
    loaded = keras.saving.load_model(done.file)
    assert type(loaded.get_layer("inner")) is type(loaded)
    assert type(loaded).__module__.startswith("keras.")


@pytest.mark.usefixtures("unchecked")
def test_an_onnx_file_has_the_names_of_the_model_and_takes_any_batch(zoo_root: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(exported(zoo_root, rich(), "onnx").file)
    shapes = {value.name: value.shape for value in session.get_inputs()}
    assert shapes == {"right": ["batch", 6, 2], "left": ["batch", 6, 2]}
    shapes = {value.name: value.shape for value in session.get_outputs()}
    assert shapes == {"a_image": ["batch", 6, 3], "z_sum": ["batch", 1]}


def test_a_file_that_computes_something_else_is_not_kept(
    zoo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(model: Any, file: Path) -> None:
        model.weights[0].assign(model.weights[0].value * (1 + 3e-6))
        model.save(file)

    monkeypatch.setitem(converting._WRITERS, "keras", wrong)
    with pytest.raises(RunError, match=r"keras differs from the model by [2-4]\.?\d?e-06 of its"):
        exported(zoo_root, plain('"linear"'), "keras")
    assert list((zoo_root / "out").iterdir()) == []


def test_a_layer_that_needs_the_zoo_is_noticed(
    zoo_root: Path, make_distribution: Callable[..., Path]
) -> None:
    make_distribution(
        "needy",
        {"zoo.layers": {"Needy": "needy:Needy"}},
        {"needy.py": NEEDY},
    )
    text = plain() + '[[layers]]\nname = "n"\ntype = "Needy"\nactivation = "tanh"\n'
    with pytest.raises(RunError, match="cannot be used without the zoo, and was not kept: Module"):
        exported(zoo_root, text, "keras")
    assert list((zoo_root / "out").iterdir()) == []


NEEDY = """
import keras
import zoo

class Needy(keras.layers.Activation):
    pass
"""
SOLVER = """
import keras

class Solve(keras.layers.Layer):
    def call(self, x):
        return keras.ops.solve(keras.ops.eye(4) * 2.0 + 0.0 * x[:, :, None], x)
"""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("onnx", "ONNX has no operation MatrixSolve"), ("tflite", "TensorFlow Lite has no operation")],
)
def test_an_operation_that_a_format_lacks_is_named(
    zoo_root: Path, make_distribution: Callable[..., Path], kind: str, reason: str
) -> None:
    make_distribution("solver", {"zoo.layers": {"Solve": "solver:Solve"}}, {"solver.py": SOLVER})
    text = plain().replace('type = "Dense"\nunits = 2\nactivation = "relu"', 'type = "Solve"')
    with pytest.raises(ConfigError, match=reason) as caught:
        exported(zoo_root, text, kind)
    assert "keras and savedmodel" in str(caught.value.findings[0].suggestion)
    assert list((zoo_root / "out").iterdir()) == []


FOURIER = """
import keras

class Fourier(keras.layers.Layer):
    def call(self, x):
        return keras.ops.irfft(keras.ops.rfft(x))
"""


def test_an_operation_that_tensorflow_lite_would_borrow_is_refused(
    zoo_root: Path, make_distribution: Callable[..., Path]
) -> None:
    make_distribution("fourier", {"zoo.layers": {"F": "fourier:Fourier"}}, {"fourier.py": FOURIER})
    text = plain().replace('type = "Dense"\nunits = 2\nactivation = "relu"', 'type = "F"')
    with pytest.raises(ConfigError, match=r"TensorFlow Lite has no operation \w+.* of its own"):
        exported(zoo_root, text, "tflite")


def test_a_class_that_is_not_registered_with_keras_is_named_with_its_module(
    zoo_root: Path, make_distribution: Callable[..., Path]
) -> None:
    make_distribution("solver", {"zoo.layers": {"Solve": "solver:Solve"}}, {"solver.py": SOLVER})
    text = plain().replace('type = "Dense"\nunits = 2\nactivation = "relu"', 'type = "Solve"')
    assert exported(zoo_root, text, "keras").modules == ("solver",)


def test_a_function_with_arguments_that_no_layer_stands_for_is_refused(zoo_root: Path) -> None:
    text = plain('{ type = "gelu", approximate = true }')
    message = "Keras alone cannot save the function gelu with arguments in d"
    with pytest.raises(ConfigError, match=message):
        exported(zoo_root, text, "keras")
    assert exported(zoo_root, text, "tflite").check.difference <= 1e-5


def test_formats_and_packages_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="'pb' is not a format") as caught:
        check_format("pb")
    assert "savedmodel, onnx, tflite" in str(caught.value.findings[0].suggestion)
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ConfigError, match="need the extra `onnx`: there is no tf2onnx") as caught:
        check_format("onnx")
    assert caught.value.findings[0].suggestion == "pip install 'zoo[onnx]'"
    assert caught.value.exit_status == 2


@pytest.mark.usefixtures("unchecked")
def test_a_saved_model_replaces_its_like_and_no_other_folder(zoo_root: Path) -> None:
    first = exported(zoo_root, plain(), "savedmodel")
    (first.file / "of the old one").touch()
    second = exported(zoo_root, plain(), "savedmodel")
    assert not (second.file / "of the old one").exists()
    (second.file / "saved_model.pb").unlink()
    with pytest.raises(ConfigError, match="is there, and is not a SavedModel"):
        exported(zoo_root, plain(), "savedmodel")


def test_a_name_of_another_format_is_refused(zoo_root: Path) -> None:
    model, graph = built(zoo_root, plain())
    with pytest.raises(ConfigError, match=r"m\.h5 is no name for h5") as caught:
        export(model, graph, "plain@1.0.0", "h5", zoo_root / "m.h5", nowhere)
    assert caught.value.findings[0].suggestion == "a name that ends in .weights.h5"
