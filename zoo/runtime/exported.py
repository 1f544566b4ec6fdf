"""Runs an exported model where there is no zoo: `python -I exported.py FOLDER`.

This file is started as a program in a process of its own, so it imports nothing of the zoo. The
folder holds `job.json` and `inputs.npz`; the outputs go to `outputs.npz` beside them.
"""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, Any]
Predict = Callable[[Arrays], Arrays]


def foreign_parts(config: Any) -> Iterator[tuple[str, str, str]]:
    """Finds what a Keras config names that is not Keras's own.

    Args:
        config: The config of a model, as Keras serializes it.

    Yields:
        Module, name, and the name that Keras has it registered by.
    """
    if isinstance(config, list | tuple):
        for item in config:
            yield from foreign_parts(item)
    elif isinstance(config, dict):
        module, name = config.get("module"), config.get("class_name")
        if isinstance(module, str) and module.partition(".")[0] not in ("keras", "builtins"):
            name = config["config"] if name == "function" else name
            yield module, str(name), str(config.get("registered_name"))
        for item in config.values():
            yield from foreign_parts(item)


def custom_objects(config: Any) -> dict[str, Any]:
    """Imports what a Keras config names that is not Keras's own.

    Returns:
        Those that did not register themselves with Keras at their import, by name.
    """
    found = {}
    for module, name, registered in foreign_parts(config):
        imported = importlib.import_module(module)
        if ">" not in registered:
            found[name] = getattr(imported, name)
    return found


def main(folder: Path) -> None:
    """Loads the model that the job names, and runs it on each of its inputs."""
    job = json.loads((folder / "job.json").read_text())
    sys.path[:] = job["path"]
    sys.modules["zoo"] = None  # type: ignore[assignment]  # from here on it cannot be imported
    predict = _LOADERS[job["format"]](job)
    outputs = {}
    with np.load(folder / "inputs.npz", allow_pickle=False) as inputs:
        for case in job["cases"]:
            given = {name: inputs[f"{case}/{name}"] for name in job["inputs"]}
            for name, array in predict(given).items():
                outputs[f"{case}/{name}"] = np.asarray(array, "float64")
    np.savez(folder / "outputs.npz", **outputs)  # type: ignore[arg-type]


def _of_keras(job: dict[str, Any]) -> Predict:
    import keras

    return _calling(keras.saving.load_model(job["file"], _custom(job), compile=False), job)


def _of_h5(job: dict[str, Any]) -> Predict:
    model = _untrained(job)
    model.load_weights(job["file"])
    return _calling(model, job)


def _of_safetensors(job: dict[str, Any]) -> Predict:
    from safetensors.numpy import load_file

    model, tensors = _untrained(job), load_file(job["file"])
    for name, variable in zip(job["tensors"], model.weights, strict=True):
        variable.assign(tensors.pop(name))
    if tensors:
        raise ValueError(f"the file has {', '.join(tensors)} besides")
    return _calling(model, job)


def _of_savedmodel(job: dict[str, Any]) -> Predict:
    import tensorflow as tf

    loaded = tf.saved_model.load(job["file"])
    # A function alone does not keep the variables of its model.
    return _calling(lambda x: loaded.serve(x), job)


def _of_onnx(job: dict[str, Any]) -> Predict:
    import onnxruntime  # type: ignore[import-untyped]  # ships no types

    session = onnxruntime.InferenceSession(job["file"], providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda given: dict(zip(names, session.run(None, given), strict=True))


def _of_tflite(job: dict[str, Any]) -> Predict:
    import tensorflow as tf

    runner = tf.lite.Interpreter(job["file"]).get_signature_runner()
    return lambda given: _named(runner(**_matched(given, runner)), job)


def _matched(given: Arrays, runner: Any) -> Arrays:
    # A signature of one input may call it otherwise.
    names = list(runner.get_input_details())
    return given if set(names) == set(given) else dict(zip(names, given.values(), strict=True))


def _calling(function: Any, job: dict[str, Any]) -> Predict:
    import keras

    def predict(given: Arrays) -> Arrays:
        x = {name: keras.ops.convert_to_tensor(array) for name, array in given.items()}
        result = function(x if len(x) > 1 else next(iter(x.values())))
        arrays = keras.tree.map_structure(
            lambda t: keras.ops.convert_to_numpy(keras.ops.cast(t, "float32")), result
        )
        return _named(arrays, job)

    return predict


def _named(result: Any, job: dict[str, Any]) -> Arrays:
    if len(job["outputs"]) > 1:
        return {name: result[name] for name in job["outputs"]}
    only = next(iter(result.values())) if isinstance(result, dict) else result
    return {job["outputs"][0]: only}


def _untrained(job: dict[str, Any]) -> Any:
    import keras

    return keras.saving.deserialize_keras_object(job["config"], _custom(job))


def _custom(job: dict[str, Any]) -> dict[str, Any]:
    return custom_objects(job["config"])


_LOADERS: dict[str, Callable[[dict[str, Any]], Predict]] = {
    "keras": _of_keras,
    "h5": _of_h5,
    "safetensors": _of_safetensors,
    "savedmodel": _of_savedmodel,
    "onnx": _of_onnx,
    "tflite": _of_tflite,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
