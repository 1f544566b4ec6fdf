"""The schema of a whole model config, in draft-07, with what is installed here."""

from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.config.schema import ANY_SIZE, DTYPES, LOGS, MODES, PRECISIONS, STRATEGIES, SWEEPS
from zoo.schema.components import definitions, listed, ref
from zoo.schema.values import (
    WITH_A_VARIABLE,
    Schema,
    list_of,
    one_of,
    table,
    text,
    typed,
    unless,
    where,
)

_DRAFT = "http://json-schema.org/draft-07/schema#"
_MODEL_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_NODE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
_ONE_OR_MORE: Schema = {"type": ["string", "array"], "items": {"type": "string"}}


def config_schema(catalog: Catalog) -> dict[str, Any]:
    """Makes the schema of model configs.

    A config that extends another may leave out what that one says.

    Args:
        catalog: The installed components; their cards say what they take.
    """
    return {
        "$schema": _DRAFT,
        "title": "A model config",
        **table("a model config", _PROPERTIES),
        "if": {"required": ["extends"]},
        "else": {"required": ["zoo", "name", "inputs", "layers"], "properties": _WHOLE},
        "definitions": dict(definitions(catalog)),
    }


def _count(least: int = 1, **more: Any) -> Schema:
    return typed(("integer",), minimum=least, **more)


INPUT: dict[str, Schema] = {
    "name": text(_NODE_NAME),
    "shape": list_of(
        {
            **where({"type": "string"}, unless(WITH_A_VARIABLE, {"const": ANY_SIZE})),
            "else": {"type": "integer", "minimum": 1},
        },
        description=f'The sizes without the batch; "{ANY_SIZE}" is one that may differ.',
    ),
    "dtype": one_of(DTYPES),
    "after": text(),
}
"""The keys of an input."""

TRAIN: dict[str, Schema] = {
    "epochs": _count(description="How often the training data is gone through.", default=1),
    "batch_size": _count(description="How many samples a step takes.", default=32),
    "seed": _count(0, description="Seeds weights, order and noise.", default=0),
    "shuffle": typed(("boolean",), description="Whether each epoch has its order.", default=True),
    "loop": ref("loops"),
    "precision": {**one_of(PRECISIONS), "description": "A Keras dtype policy."},
    "jit_compile": {
        "type": ["boolean", "string"],
        "description": 'Whether XLA compiles the step: "auto" by default, or "measure".',
    },
    "steps_per_execution": _count(default=1),
    "strategy": {
        **one_of(STRATEGIES),
        "description": "How several devices or machines share each batch.",
    },
    "log": {
        "if": {"type": "array"},
        "then": list_of(one_of(LOGS)),
        "else": one_of(LOGS),
        "description": "What is written of the training besides its history.",
    },
    "callbacks": listed("callbacks"),
}
"""The keys of `[train]`."""

_NUMBER = typed(("number",))
SWEEP: dict[str, Schema] = {
    "method": {
        **one_of(SWEEPS),
        "description": "Every combination, random ones, or ones that learn.",
    },
    "trials": _count(description="How many, where it is not every combination."),
    "metric": text(description='The metric that decides; "val_loss" by default.'),
    "mode": {**one_of(MODES), "description": "Whether the smallest or the largest is best."},
    "seed": _count(0, description="Decides what is drawn.", default=0),
    "values": {
        "type": "object",
        "minProperties": 1,
        "description": "Lists of values, or ranges, by dotted key of the config.",
        "additionalProperties": {
            "if": {"type": "array"},
            "then": {"minItems": 1},
            "else": {
                **table("a range", {"low": _NUMBER, "high": _NUMBER, "log": typed(("boolean",))}),
                "required": ["low", "high"],
            },
        },
    },
}

_PROPERTIES: dict[str, Schema] = {
    "zoo": {"const": 1, "description": "The version of the format."},
    "name": text(_MODEL_NAME, description="The model's name."),
    "description": text(description="What the model is, in a sentence."),
    "extends": {**_ONE_OR_MORE, "description": "What it starts from: a path, or a model's name."},
    "unset": list_of({"type": "string"}, description="Dotted keys that are taken out again."),
    "vars": {"type": "object", "description": 'Values for "${vars.NAME}".'},
    "inputs": list_of(table("an input", INPUT), description="The model's inputs."),
    "layers": {**listed("layers"), "description": "The nodes of the graph."},
    "outputs": list_of({"type": "string"}, description="Nodes; by default the last."),
    "loss": ref("losses"),
    "losses": {"type": "object", "additionalProperties": ref("losses")},
    "loss_weights": {"type": "object", "additionalProperties": typed(("number",))},
    "metrics": listed("metrics"),
    "optimizer": ref("optimizers"),
    "data": ref("datasets"),
    "train": table("[train]", TRAIN),
    "evaluate": listed("evaluators"),
    "sweep": {**table("[sweep]", SWEEP), "required": ["values"]},
}

_WHOLE: dict[str, Schema] = {
    "inputs": {"items": {"required": ["name", "shape"]}},
    "layers": {"items": ref("whole layers")},
    "loss": ref("whole losses"),
    "losses": {"additionalProperties": ref("whole losses")},
    "metrics": {"items": ref("whole metrics")},
    "optimizer": ref("whole optimizers"),
    "data": ref("whole datasets"),
    "evaluate": {"items": ref("whole evaluators")},
    "train": {
        "properties": {
            "loop": ref("whole loops"),
            "callbacks": {"items": ref("whole callbacks")},
        }
    },
}
"""What has to be there in a config that extends no other."""
