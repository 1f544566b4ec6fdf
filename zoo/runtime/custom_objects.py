"""The classes that Keras needs to load what a config's model was saved as."""

from typing import Any

import keras

from zoo.resolve import ResolvedModel
from zoo.runtime.bindings import BoundLoss, BoundMetric
from zoo.runtime.loading import load_target
from zoo.runtime.model import BoundModel
from zoo.runtime.with_arguments import WithArguments


def custom_objects_of(model: ResolvedModel) -> dict[str, Any]:
    """Gives every class and function of a model that is not Keras's own, by name.

    Each stands under its own name and, where it has one, under the `package>Name` that Keras
    writes into a saved model.
    """
    targets = [load_target(part.component) for part in model.parts() if _in_the_model(part)]
    targets += [BoundModel, BoundLoss, BoundMetric, WithArguments]
    objects: dict[str, Any] = {}
    for target in targets:
        if not target.__module__.startswith("keras."):
            objects[target.__name__] = target
            objects[keras.saving.get_registered_name(target)] = target
    return objects


def _in_the_model(part: Any) -> bool:
    return part.component.kind not in ("datasets", "loops", "evaluators", "callbacks")
