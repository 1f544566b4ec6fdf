"""The rules for optimizers."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.testing import cards, configs
from zoo.testing.modes import MODES, policy
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import Array, as_arrays, must_agree, must_be_finite
from zoo.testing.tiny import TrainingBench, copy_state

_STEPS = 4


def _trained(
    bench: TrainingBench, steps: int = _STEPS, mode: str = "graph", model: Any = None
) -> tuple[Any, list[float]]:
    """Trains a model for some steps on all of the data at once."""
    if model is None:
        model = bench.model()
        model.compile(bench.subject.make(), "mse", **MODES[mode])
    x, y = bench.data["train"][:2]
    return model, [_loss(model.train_on_batch(x, y, return_dict=True)) for _ in range(steps)]


def _loss(logs: dict[str, Any]) -> float:
    return float(logs["loss"])


def _weights(model: Any) -> list[Array]:
    return as_arrays([variable.value for variable in model.variables])


@rule(
    "It is made with its arguments, and its steps lower the loss.",
    "subtract in update_step, by assign_sub, what goes along the gradient.",
)
def made(bench: TrainingBench) -> None:
    """Takes some steps."""
    model, losses = _trained(bench, 3 * _STEPS)
    must_be_finite([np.asarray(losses), *_weights(model)], "the training")
    if not min(losses[1:]) < losses[0]:
        raise Broken(f"{len(losses)} steps go from a loss of {losses[0]:.6g} to {losses[-1]:.6g}")


@rule(
    "The same steps give the same weights: eager, as a graph, and compiled by XLA.",
    "write update_step in keras.ops alone, and keep all state in variables made with "
    "add_optimizer_variables.",
)
def jit(bench: TrainingBench) -> None:
    """Compares the ways in which Keras runs a model."""
    expected = _weights(_trained(bench, mode="eager")[0])
    for mode in ("graph", "jit"):
        found = _weights(_trained(bench, mode=mode)[0])
        must_agree(found, expected, f"{mode} differs from eager", 1e-4)


@rule(
    "A training that is resumed goes on as if it had not stopped.",
    "make every variable in build, with add_optimizer_variables or add_variable: `variables` is "
    "what a checkpoint holds; count steps by self.iterations, not in an attribute.",
)
def resume(bench: TrainingBench) -> None:
    """Puts weights and optimizer variables into new ones half-way."""
    expected = _weights(_trained(bench)[0])
    first, _ = _trained(bench, _STEPS // 2)
    second, _ = _trained(bench, 0)
    copy_state(first, second)
    _trained(bench, _STEPS // 2, model=second)
    must_agree(_weights(second), expected, "the resumed training differs")


@rule(
    "A model that is compiled with it comes back from a .keras file and trains on as before.",
    "register it with Keras, let get_config return every argument, and make every variable in "
    "build.",
)
def saved(bench: TrainingBench) -> None:
    """Saves a model half-way and trains the loaded one."""
    expected = _weights(_trained(bench)[0])
    model, _ = _trained(bench, _STEPS // 2)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        loaded = keras.saving.load_model(file)
    _trained(bench, _STEPS // 2, model=loaded)
    must_agree(_weights(loaded), expected, "the loaded model trains differently")


@rule(
    "In mixed precision its steps stay finite, and the weights float32.",
    "cast the learning rate and the gradient to the dtype of the variable.",
)
def precision(bench: TrainingBench) -> None:
    """Takes some steps under mixed_bfloat16."""
    with policy("mixed_bfloat16"):
        model, losses = _trained(bench)
    must_be_finite([np.asarray(losses), *_weights(model)], "the training")


RULES = (made, configs.config, configs.serialization, cards.card, jit, resume, saved, precision)
