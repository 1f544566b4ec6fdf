"""What Keras's signatures and docstrings do not tell of its arguments, or tell wrongly.

The key is `Class.argument`, the class being the one whose signature names the argument, or
`*.argument` for every class and function of Keras.
"""

from zoo.catalog.cards import BOOLEAN, INTEGER, LIST, NUMBER, STRING, Types

_VALID_OR_SAME = (STRING,), ("valid", "same")
_PADDED = (
    *(f"Conv{n}DTranspose" for n in (1, 2, 3)),
    *(f"{kind}Pooling{n}D" for kind in ("Average", "Max") for n in (1, 2, 3)),
    *(f"ConvLSTM{n}D" for n in (1, 2, 3)),
    *("Conv2D", "Conv3D", "DepthwiseConv2D", "SeparableConv2D"),
)

Known = tuple[Types, Types]


def _all(types: Types, *keys: str) -> dict[str, Known]:
    return dict.fromkeys(keys, (types, ()))


KERAS_TYPES: dict[str, Known] = {
    "*.data_format": ((STRING,), ("channels_last", "channels_first")),
    "*.dtype": ((STRING,), ()),
    "*.reduction": (
        (STRING,),
        ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"),
    ),
    "Conv1D.padding": ((STRING,), ("valid", "same", "causal")),
    "DepthwiseConv1D.padding": ((STRING,), ("valid", "same", "causal")),
    "SeparableConv1D.padding": ((STRING,), ("valid", "same", "causal")),
    **{f"{name}.padding": ((STRING,), ("valid", "same")) for name in _PADDED},
    **_all((BOOLEAN,), "*.autocast", "*.use_ema", "ModelCheckpoint.save_best_only"),
    **_all((NUMBER,), "*.clipnorm", "*.clipvalue", "*.global_clipnorm", "*.ema_momentum"),
    **_all((NUMBER,), "*.loss_scale_factor", "*.weight_decay", "*.epsilon", "Huber.delta"),
    **_all((NUMBER,), "BatchNormalization.momentum", "GroupNormalization.momentum"),
    **_all((NUMBER,), "EarlyStopping.baseline", "EarlyStopping.min_delta", "*.label_smoothing"),
    **_all((NUMBER,), "MultiHeadAttention.dropout", "GroupQueryAttention.dropout"),
    **_all((INTEGER,), "*.ema_overwrite_frequency", "*.gradient_accumulation_steps"),
    **_all((INTEGER,), "MultiHeadAttention.num_heads", "MultiHeadAttention.key_dim"),
    **_all((INTEGER,), "MultiHeadAttention.value_dim", "GroupQueryAttention.head_dim"),
    **_all((INTEGER,), "GroupQueryAttention.num_query_heads", "*.depth_multiplier"),
    **_all((INTEGER,), "GroupQueryAttention.num_key_value_heads", "Concatenate.axis"),
    **_all((INTEGER,), "EarlyStopping.patience", "EarlyStopping.start_from_epoch"),
    **_all((STRING,), "EarlyStopping.monitor", "ModelCheckpoint.monitor", "*.name"),
    **_all((LIST,), "Reshape.target_shape", "Permute.dims"),
    # The docstring says integer, and more is accepted, or a fraction is.
    **_all((INTEGER, LIST), "MaxNorm.axis", "MinMaxNorm.axis", "UnitNorm.axis", "Dice.axis"),
    **_all((INTEGER, LIST), "softmax.axis", "log_softmax.axis"),
    **_all((NUMBER,), "*.decay_steps", "*.first_decay_steps", "*.warmup_steps", "*.lora_alpha"),
    # Read as numbers, though arrays.
    **_all((), "Embedding.weights", "ReversibleEmbedding.weights"),
}
"""The types of an argument, and the strings that it accepts."""
