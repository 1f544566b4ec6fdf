"""What an exported file computes in a process without the zoo, against the model it came from."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.errors import RunError
from zoo.runtime import exported
from zoo.runtime.data import output_names
from zoo.runtime.plain import plain_config

BATCHES = (1, 3)
"""Sizes of the batches that are compared: one may hide what a layer does to the batch axis."""

MAGNITUDES = (1.0, 0.01)
"""Sizes of the input values: what large ones drown shows in the small ones."""

_CASES = [f"{magnitude}/{batch}" for magnitude in MAGNITUDES for batch in BATCHES]
_SEED = 0
_OPEN_AXIS = 16
_TOLERANCES = {"onnx": 1e-5, "tflite": 1e-5}
_SAME_KERNELS = 1e-6
_STEPS_OF_LOW_PRECISION = 8

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How closely an exported file computes what its model does.

    Attributes:
        difference: The largest difference of any output value, relative to the largest value of
            that output for inputs of the same magnitude.
        tolerance: What is accepted.
        precision: The dtype that the tolerance is for.
        batches: The sizes of the batches that were compared.
    """

    difference: float
    tolerance: float
    precision: str
    batches: tuple[int, ...] = BATCHES


def agreement(model: Any, file: Path, kind: str) -> Agreement:
    """Loads an exported file in a fresh process without the zoo, and compares what it computes.

    Args:
        model: The model that was exported.
        file: The exported file.
        kind: Its format.

    Raises:
        RunError: If it cannot be loaded there, or computes something else.
    """
    inputs = _inputs(model)
    expected: Arrays = {}
    for case in _CASES:
        given = {name: inputs[f"{case}/{name}"] for name in _input_names(model)}
        x = given if len(given) > 1 else next(iter(given.values()))
        result = model(x, training=False)
        named = result if isinstance(result, dict) else {output_names(model)[0]: result}
        expected |= {f"{case}/{name}": _as_float(tensor) for name, tensor in named.items()}
    if wrong := [name for name, array in expected.items() if not np.isfinite(array).all()]:
        raise RunError(
            f"the model's own output {wrong[0]} is not finite for random inputs", "not-finite"
        )
    got = _run_elsewhere(model, file, kind, inputs)
    scales = _scales(expected)
    differences = [_difference(got[name], expected[name], scales[name]) for name in expected]
    tolerance, precision = _tolerance(model, kind)
    found = Agreement(max(differences), tolerance, precision)
    if not found.difference <= tolerance:
        raise RunError(
            f"the exported {kind} differs from the model by {found.difference:.2g} of its output, "
            f"more than {tolerance:.2g} ({precision}); it was not kept",
            suggestion="use another format",
        )
    return found


def _inputs(model: Any) -> Arrays:
    generator = np.random.default_rng(_SEED)
    return {
        f"{magnitude}/{batch}/{tensor.name}": _random(tensor, batch, magnitude, generator)
        for magnitude in MAGNITUDES
        for batch in BATCHES
        for tensor in model.inputs
    }


def _random(
    tensor: Any, batch: int, magnitude: float, generator: np.random.Generator
) -> np.ndarray[Any, Any]:
    shape = (batch, *(_OPEN_AXIS if size is None else size for size in tensor.shape[1:]))
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if not keras.backend.is_float_dtype(dtype):
        return generator.integers(0, 2, shape).astype(dtype)  # 0 and 1 are in every vocabulary
    values = magnitude * generator.normal(size=shape)
    return values.astype("float32" if dtype == "bfloat16" else dtype)


def _input_names(model: Any) -> list[str]:
    return [tensor.name for tensor in model.inputs]


def _as_float(tensor: Any) -> np.ndarray[Any, Any]:
    array = keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
    return np.asarray(array, "float64")


def _scales(expected: Arrays) -> dict[str, float]:
    """Gives for each output the largest value that it has for inputs of its magnitude."""
    scales: dict[tuple[str, str], float] = {}
    for case, array in expected.items():
        magnitude, _, name = case.split("/", 2)
        largest = float(np.abs(array).max(initial=0.0))
        scales[magnitude, name] = max(scales.get((magnitude, name), 0.0), largest)
    of_case = {case: case.split("/", 2) for case in expected}
    return {case: scales[parts[0], parts[2]] or 1.0 for case, parts in of_case.items()}


def _difference(got: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], scale: float) -> float:
    if got.shape != expected.shape:
        raise RunError(
            f"the exported model gives the shape {got.shape}, the model itself {expected.shape}"
        )
    return float(np.abs(got - expected).max(initial=0.0)) / scale


def _tolerance(model: Any, kind: str) -> tuple[float, str]:
    """Gives what is accepted, by the lowest precision that any layer computes in."""
    tolerance, precision = _TOLERANCES.get(kind, _SAME_KERNELS), "float32"
    for layer in model._flatten_layers():
        dtype = layer.compute_dtype
        if dtype in ("float16", "bfloat16"):
            step = 2.0**-10 if dtype == "float16" else 2.0**-7
            if (lower := _STEPS_OF_LOW_PRECISION * step) > tolerance:
                tolerance, precision = lower, dtype
    return tolerance, precision


def _run_elsewhere(model: Any, file: Path, kind: str, inputs: Arrays) -> Arrays:
    job = {
        "format": kind,
        "file": str(file),
        "path": sys.path,
        "cases": _CASES,
        "inputs": _input_names(model),
        "outputs": output_names(model),
        "config": plain_config(model),
        "tensors": [variable.path for variable in model.weights],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(job))
        np.savez(folder / "inputs.npz", **inputs)  # type: ignore[arg-type]
        done = subprocess.run(
            [sys.executable, "-I", str(exported.__file__), name],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise RunError(
                f"the exported {kind} cannot be used without the zoo, and was not kept: "
                f"{lines[-1].strip() if lines else f'exit status {done.returncode}'}",
                suggestion="use another format",
            )
        with np.load(folder / "outputs.npz", allow_pickle=False) as outputs:
            return dict(outputs)
