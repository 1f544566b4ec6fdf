"""A model of the zoo, called as a layer of another."""

from typing import Any

from zoo.runtime.model import BoundModel


def call_layer(layer: Any, inputs: Any) -> Any:
    """Calls a layer, or a model of the zoo, with what a node takes.

    Args:
        layer: The layer.
        inputs: A tensor, a list of them, or a table of them by name.

    Returns:
        What the layer returns; of a model with several outputs a list, in its config's order.

    Raises:
        ValueError: If a table names other inputs than the model has.
    """
    if not isinstance(layer, BoundModel):
        return layer(**inputs) if isinstance(inputs, dict) else layer(inputs)
    outputs = layer(_arranged(layer, inputs))
    return [outputs[name] for name in layer.output] if isinstance(outputs, dict) else outputs


def _arranged(model: BoundModel, inputs: Any) -> Any:
    """Puts what a node takes into the form of a model's inputs."""
    of_model = model.input
    names = (
        list(of_model) if isinstance(of_model, dict) else [tensor.name for tensor in model.inputs]
    )
    if isinstance(inputs, dict) and list(inputs) == ["inputs"] and names != ["inputs"]:
        inputs = inputs["inputs"]  # by the name of Keras's own argument
    if isinstance(inputs, dict):
        if set(inputs) != set(names):
            raise ValueError(f"it takes the inputs {', '.join(names)}; given {', '.join(inputs)}")
        inputs = [inputs[name] for name in names]
    elif not isinstance(inputs, list):
        return inputs
    if len(inputs) != len(names):
        raise ValueError(f"it takes {len(names)} inputs, {', '.join(names)}; given {len(inputs)}")
    # Keras itself would take a list in the order of the alphabet.
    return dict(zip(names, inputs, strict=True)) if len(names) > 1 else inputs[0]
