"""What Keras's own registered components are tried with, and which of their rules they break.

A case is `(arguments, what it is tried on)`. Where Keras 3.15.1 breaks a rule, or a rule does not
fit what the component is for, `EXCEPTIONS` says why.
"""

from typing import Any

import keras
import numpy as np

FLAT, SERIES, IMAGE, VOLUME = (6,), (8, 3), (8, 8, 3), (4, 4, 4, 2)
BY_RANK = {"1D": SERIES, "2D": IMAGE, "3D": VOLUME}
PAIR = [(4,), (4,)]
RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.integers(0, 7, size=(5, 4))
IMAGES = RANDOM.uniform(0.0, 255.0, size=(5, 8, 8, 3)).astype("float32")
WORDS = np.array([["red"], ["green"], ["blue"], ["red"], ["none"]])


LAYERS: dict[str, tuple[Any, ...]] = {
    "Activation": ({"activation": "tanh"}, FLAT),
    "ActivityRegularization": ({"l2": 0.1}, FLAT),
    "Add": ({}, PAIR),
    "AdditiveAttention": ({}, [(4, 3), (5, 3)]),
    "AlphaDropout": ({"rate": 0.3}, FLAT),
    "Attention": ({}, [(4, 3), (5, 3)]),
    "Average": ({}, PAIR),
    "BatchNormalization": ({}, FLAT),
    "Concatenate": ({}, PAIR),
    "Dense": ({"units": 3, "activation": "tanh"}, FLAT),
    "Dot": ({"axes": 1}, PAIR),
    "Dropout": ({"rate": 0.3}, FLAT),
    "ELU": ({}, FLAT),
    "EinsumDense": ({"equation": "abc,cd->abd", "output_shape": (None, 4)}, SERIES),
    "Embedding": ({"input_dim": 7, "output_dim": 3}, NUMBERS),
    "Flatten": ({}, SERIES),
    "GaussianDropout": ({"rate": 0.3}, FLAT),
    "GaussianNoise": ({"stddev": 0.3}, FLAT),
    "GroupNormalization": ({"groups": 3}, FLAT),
    "GroupQueryAttention": (
        {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
        {"query": (4, 3), "value": (5, 3)},
    ),
    "GRU": ({"units": 2}, SERIES),
    "Identity": ({}, FLAT),
    "LayerNormalization": ({}, FLAT),
    "LeakyReLU": ({}, FLAT),
    "LSTM": ({"units": 2}, SERIES),
    "Masking": ({}, SERIES),
    "Maximum": ({}, PAIR),
    "Minimum": ({}, PAIR),
    "MultiHeadAttention": (
        {"num_heads": 2, "key_dim": 3},
        {"query": (4, 3), "value": (5, 3)},
    ),
    "Multiply": ({}, PAIR),
    "Normalization": ({"mean": 0.5, "variance": 2.0}, FLAT),
    "Permute": ({"dims": (2, 1)}, SERIES),
    "PReLU": ({}, FLAT),
    "ReLU": ({}, FLAT),
    "RMSNormalization": ({}, FLAT),
    "RepeatVector": ({"n": 3}, FLAT),
    "Rescaling": ({"scale": 0.5}, FLAT),
    "Reshape": ({"target_shape": (3, 2)}, FLAT),
    "SimpleRNN": ({"units": 2}, SERIES),
    "Softmax": ({}, FLAT),
    "Subtract": ({}, PAIR),
    "UnitNormalization": ({}, FLAT),
    "Bidirectional": (lambda: {"layer": keras.layers.LSTM(2)}, SERIES),
    "CategoryEncoding": ({"num_tokens": 7}, NUMBERS),
    "CenterCrop": ({"height": 4, "width": 4}, IMAGES),
    "Conv1D": ({"filters": 2, "kernel_size": 3}, SERIES),
    "Conv1DTranspose": ({"filters": 2, "kernel_size": 3}, SERIES),
    "Conv2D": ({"filters": 2, "kernel_size": 3, "padding": "same"}, IMAGE),
    "Conv2DTranspose": ({"filters": 2, "kernel_size": 3}, IMAGE),
    "Conv3D": ({"filters": 2, "kernel_size": 2}, VOLUME),
    "Conv3DTranspose": ({"filters": 2, "kernel_size": 2}, VOLUME),
    "ConvLSTM1D": ({"filters": 2, "kernel_size": 3}, (3, 8, 2)),
    "ConvLSTM2D": ({"filters": 2, "kernel_size": 3}, (3, 6, 6, 2)),
    "ConvLSTM3D": ({"filters": 2, "kernel_size": 2}, (2, 4, 4, 4, 2)),
    "DepthwiseConv1D": ({"kernel_size": 3}, SERIES),
    "DepthwiseConv2D": ({"kernel_size": 3}, IMAGE),
    "Discretization": ({"bin_boundaries": [0.0, 0.5]}, FLAT),
    "GRUCell": ({"units": 2}, {"inputs": (3,), "states": [(2,)]}),
    "HashedCrossing": ({"num_bins": 5}, [NUMBERS[:, :1], NUMBERS[:, 1:2]]),
    "Hashing": ({"num_bins": 5}, NUMBERS),
    "IntegerLookup": ({"vocabulary": [1, 2, 3]}, NUMBERS),
    "LSTMCell": ({"units": 2}, {"inputs": (3,), "states": [(2,), (2,)]}),
    "MelSpectrogram": ({"fft_length": 64, "sequence_stride": 32, "num_mel_bins": 4}, (256,)),
    "Pipeline": (lambda: {"layers": [keras.layers.Rescaling(2.0), keras.layers.ReLU()]}, FLAT),
    "RandomCrop": ({"height": 4, "width": 4}, IMAGES),
    "Resizing": ({"height": 4, "width": 4}, IMAGES),
    "ReversibleEmbedding": ({"input_dim": 7, "output_dim": 3}, NUMBERS),
    "RNN": (lambda: {"cell": keras.layers.LSTMCell(2)}, SERIES),
    "SeparableConv1D": ({"filters": 2, "kernel_size": 3}, SERIES),
    "SeparableConv2D": ({"filters": 2, "kernel_size": 3}, IMAGE),
    "SimpleRNNCell": ({"units": 2}, {"sequence": (3,), "states": [(2,)]}),
    "SpectralNormalization": (lambda: {"layer": keras.layers.Dense(3)}, FLAT),
    "StackedRNNCells": (
        lambda: {"cells": [keras.layers.SimpleRNNCell(2), keras.layers.SimpleRNNCell(3)]},
        {"inputs": (4,), "states": [(2,), (3,)]},
    ),
    "STFTSpectrogram": ({"frame_length": 64, "frame_step": 32, "fft_length": 64}, (256, 1)),
    "StringLookup": ({"vocabulary": ["red", "green", "blue"]}, WORDS),
    "TextVectorization": ({"vocabulary": ["red", "green", "blue"]}, WORDS),
    "TimeDistributed": (lambda: {"layer": keras.layers.Dense(3)}, SERIES),
    "AugMix": ({}, IMAGES),
    "AutoContrast": ({}, IMAGES),
    "ContrastLimitedAdaptiveHistogramEqualization": ({}, IMAGES),
    "CutMix": ({}, IMAGES),
    "Equalization": ({}, IMAGES),
    "MixUp": ({}, IMAGES),
    "RandAugment": ({}, IMAGES),
    "RandomBrightness": ({"factor": 0.3}, IMAGES),
    "RandomColorDegeneration": ({"factor": 0.3}, IMAGES),
    "RandomColorJitter": ({"brightness_factor": 0.3}, IMAGES),
    "RandomContrast": ({"factor": 0.3}, IMAGES),
    "RandomElasticTransform": ({}, IMAGES),
    "RandomErasing": ({}, IMAGES),
    "RandomFlip": ({}, IMAGES),
    "RandomGaussianBlur": ({}, IMAGES),
    "RandomGrayscale": ({}, IMAGES),
    "RandomHue": ({"factor": 0.3}, IMAGES),
    "RandomInvert": ({}, IMAGES),
    "RandomPerspective": ({}, IMAGES),
    "RandomPosterization": ({"factor": 4}, IMAGES),
    "RandomRotation": ({"factor": 0.3}, IMAGES),
    "RandomSaturation": ({"factor": 0.3}, IMAGES),
    "RandomSharpness": ({"factor": 0.3}, IMAGES),
    "RandomShear": ({"x_factor": 0.3}, IMAGES),
    "RandomTranslation": ({"height_factor": 0.3, "width_factor": 0.3}, IMAGES),
    "RandomZoom": ({"height_factor": 0.3}, IMAGES),
    "Solarization": ({}, IMAGES),
}
BY_RANK_OF_INPUT = {
    "AdaptiveAveragePooling": {"output_size": 2},
    "AdaptiveMaxPooling": {"output_size": 2},
    "AveragePooling": {"pool_size": 2},
    "MaxPooling": {"pool_size": 2},
    "GlobalAveragePooling": {},
    "GlobalMaxPooling": {},
    "Cropping": {"cropping": 1},
    "ZeroPadding": {"padding": 1},
    "UpSampling": {"size": 2},
    "SpatialDropout": {"rate": 0.3},
}
LAYERS |= {
    f"{name}{rank}": (arguments, samples)
    for name, arguments in BY_RANK_OF_INPUT.items()
    for rank, samples in BY_RANK.items()
}

ONE_HOT = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1]]
SIGNS = 2.0 * ONE_HOT - 1.0
CLASSES = np.array([0, 1, 2, 0, 1])
OTHER_CLASSES = np.array([0, 2, 2, 0, 1])
BINARY = np.array([[0.0], [1.0], [1.0], [0.0], [1.0]], "float32")
SCORES = np.array([[0.2], [0.9], [0.4], [0.6], [0.7]], "float32")
LOGITS = RANDOM.normal(size=(5, 6, 4)).astype("float32")

CATEGORICAL = {"y_true": ONE_HOT}
SPARSE = {"y_true": CLASSES, "y_pred": (3,)}
SCORED = {"y_true": BINARY, "y_pred": SCORES}
LABELLED = {"y_true": CLASSES, "y_pred": OTHER_CLASSES}

LOSSES: dict[str, tuple[Any, ...]] = {
    "BinaryCrossentropy": ({"label_smoothing": 0.1}, SCORED),
    "BinaryFocalCrossentropy": ({}, SCORED),
    "CategoricalCrossentropy": ({}, CATEGORICAL),
    "CategoricalFocalCrossentropy": ({}, CATEGORICAL),
    "CategoricalGeneralizedCrossEntropy": ({"q": 0.4}, SPARSE),
    "CategoricalHinge": ({}, CATEGORICAL),
    "Circle": ({}, {"y_true": CLASSES, "y_pred": (4,)}),
    "CosineSimilarity": ({}, {}),
    "CTC": ({}, {"y_true": NUMBERS[:, :2] % 3 + 1, "y_pred": LOGITS}),
    "Dice": ({}, CATEGORICAL),
    "Hinge": ({}, {"y_true": SIGNS}),
    "Huber": ({"delta": 0.3}, {}),
    "KLDivergence": ({}, {}),
    "LogCosh": ({}, {}),
    "MeanAbsoluteError": ({}, {}),
    "MeanAbsolutePercentageError": ({}, {}),
    "MeanSquaredError": ({}, {}),
    "MeanSquaredLogarithmicError": ({}, {}),
    "Poisson": ({}, {}),
    "SparseCategoricalCrossentropy": ({}, SPARSE),
    "SquaredHinge": ({}, {"y_true": SIGNS}),
    "Tversky": ({}, CATEGORICAL),
}
LOSSES |= {
    "binary_crossentropy": ({}, SCORED),
    "binary_focal_crossentropy": ({}, SCORED),
    "categorical_crossentropy": ({}, CATEGORICAL),
    "categorical_focal_crossentropy": ({}, CATEGORICAL),
    "categorical_hinge": ({}, CATEGORICAL),
    "hinge": ({}, {"y_true": SIGNS}),
    "huber": ({"delta": 0.3}, {}),
    "sparse_categorical_crossentropy": ({}, SPARSE),
    "squared_hinge": ({}, {"y_true": SIGNS}),
    "bce": ({}, SCORED),
}
LOSSES |= dict.fromkeys(
    (
        "cosine_similarity",
        "kl_divergence",
        "kld",
        "log_cosh",
        "mae",
        "mape",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "mean_squared_logarithmic_error",
        "mse",
        "msle",
        "poisson",
    ),
    ({}, {}),
)

METRICS: dict[str, tuple[Any, ...]] = {
    "Accuracy": ({}, LABELLED),
    "AUC": ({}, SCORED),
    "BinaryAccuracy": ({}, SCORED),
    "BinaryCrossentropy": ({}, SCORED),
    "BinaryIoU": ({"target_class_ids": [0, 1]}, SCORED),
    "CategoricalAccuracy": ({}, CATEGORICAL),
    "CategoricalCrossentropy": ({}, CATEGORICAL),
    "CategoricalHinge": ({}, CATEGORICAL),
    "F1Score": ({}, CATEGORICAL),
    "FBetaScore": ({"beta": 2.0}, CATEGORICAL),
    "Hinge": ({}, {"y_true": SIGNS}),
    "IoU": ({"num_classes": 3, "target_class_ids": [0, 1]}, LABELLED),
    "MeanIoU": ({"num_classes": 3}, LABELLED),
    "OneHotIoU": ({"num_classes": 3, "target_class_ids": [0, 1]}, CATEGORICAL),
    "OneHotMeanIoU": ({"num_classes": 3}, CATEGORICAL),
    "PrecisionAtRecall": ({"recall": 0.5}, SCORED),
    "RecallAtPrecision": ({"precision": 0.5}, SCORED),
    "SensitivityAtSpecificity": ({"specificity": 0.5}, SCORED),
    "SparseCategoricalAccuracy": ({}, SPARSE),
    "SparseCategoricalCrossentropy": ({}, SPARSE),
    "SparseTopKCategoricalAccuracy": ({"k": 2}, SPARSE),
    "SpecificityAtSensitivity": ({"sensitivity": 0.5}, SCORED),
    "SquaredHinge": ({}, {"y_true": SIGNS}),
    "TopKCategoricalAccuracy": ({"k": 2}, CATEGORICAL),
    "binary_accuracy": ({}, SCORED),
    "binary_crossentropy": ({}, SCORED),
    "bce": ({}, SCORED),
    "categorical_accuracy": ({}, CATEGORICAL),
    "categorical_crossentropy": ({}, CATEGORICAL),
    "sparse_categorical_accuracy": ({}, SPARSE),
    "sparse_categorical_crossentropy": ({}, SPARSE),
}
METRICS |= dict.fromkeys(
    (
        "FalseNegatives",
        "FalsePositives",
        "Precision",
        "Recall",
        "TrueNegatives",
        "TruePositives",
    ),
    ({}, SCORED),
)
METRICS |= dict.fromkeys(
    (
        "ConcordanceCorrelation",
        "CosineSimilarity",
        "KLDivergence",
        "LogCoshError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "MeanSquaredError",
        "MeanSquaredLogarithmicError",
        "PearsonCorrelation",
        "Poisson",
        "R2Score",
        "RootMeanSquaredError",
        "kl_divergence",
        "kld",
        "mae",
        "mape",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "mean_squared_logarithmic_error",
        "mse",
        "msle",
    ),
    ({}, {}),
)

OPTIMIZERS: dict[str, tuple[Any, ...]] = {
    "Adadelta": ({"learning_rate": 1.0}, {}),
    "Adafactor": ({"learning_rate": 0.05}, {}),
    "Adagrad": ({"learning_rate": 0.05}, {}),
    "Adam": ({"learning_rate": 0.01, "clipnorm": 1.0}, {}),
    "AdamW": ({"learning_rate": 0.01}, {}),
    "Adamax": ({"learning_rate": 0.01}, {}),
    "Ftrl": ({"learning_rate": 0.05}, {}),
    "Lamb": ({"learning_rate": 0.01}, {}),
    "Lion": ({"learning_rate": 0.002}, {}),
    "LossScaleOptimizer": (lambda: {"inner_optimizer": keras.optimizers.SGD(0.05)}, {}),
    "Muon": ({"learning_rate": 0.01}, {}),
    "Nadam": ({"learning_rate": 0.01}, {}),
    "RMSprop": ({"learning_rate": 0.01}, {}),
    "ScheduleFreeAdamW": ({"learning_rate": 0.01}, {}),
    "SGD": ({"learning_rate": 0.05, "momentum": 0.9}, {}),
}

_SCALAR = "it is one number for the batch, so sample_weight has no effect"
_NO_FUNCTIONAL = "its compute_output_spec gives its input back: no functional model can hold it"
_NO_FLOAT64 = "TensorFlow has no such kernel for float64 on the CPU"
_NO_XLA = "it says of itself that XLA cannot compile it, and Keras warns"
_WHOLE_COUNTS = "it counts in integers, and warns that a weight with a fraction would lose it"
_NO_BFLOAT16 = "TensorFlow has its in_top_k for float32 alone"
_LOST_DATA_FORMAT = "its config has data_format, which its constructor does not take"

EXCEPTIONS: dict[tuple[str, str], dict[str, str]] = {
    ("layers", "AdaptiveAveragePooling3D"): {"gradient": _NO_FLOAT64},
    ("layers", "AdaptiveMaxPooling3D"): {"gradient": _NO_FLOAT64},
    ("layers", "AugMix"): {"jit": _NO_XLA},
    ("layers", "AveragePooling3D"): {"gradient": _NO_FLOAT64},
    ("layers", "CategoryEncoding"): {"precision": "it gives float32 whatever the policy"},
    ("layers", "ContrastLimitedAdaptiveHistogramEqualization"): {
        "gradient": "it looks whole grey values up in a table, which has no gradient"
    },
    ("layers", "Equalization"): dict.fromkeys(
        ("shape", "batch", "jit", "saved", "training"), _NO_FUNCTIONAL
    ),
    ("layers", "MaxPooling3D"): {"gradient": _NO_FLOAT64},
    ("layers", "MelSpectrogram"): {"gradient": "it has constants of float32"},
    ("layers", "MixUp"): {"jit": "it draws gamma numbers, which XLA cannot, in inference too"},
    ("layers", "RandAugment"): {"jit": _NO_XLA},
    ("layers", "RandomCrop"): dict.fromkeys(
        ("shape", "precision"), "in inference it hands an image on as large as it is"
    ),
    ("layers", "RandomShear"): dict.fromkeys(
        ("config", "serialization", "saved"), _LOST_DATA_FORMAT
    ),
    ("layers", "Resizing"): {"gradient": "it computes in float32"},
    ("layers", "STFTSpectrogram"): {"precision": "it refuses bfloat16 by name"},
    ("losses", "Circle"): dict.fromkeys(
        ("batch", "weights"), "it compares the samples of a batch with each other"
    ),
    ("losses", "CTC"): {"gradient": "it computes in float32"},
    ("losses", "Dice"): dict.fromkeys(("samples", "batch", "weights"), _SCALAR),
    ("losses", "Huber"): dict.fromkeys(
        ("config", "saved"), "its config leaves out delta, which a loaded model then has as 1"
    ),
    ("losses", "Tversky"): dict.fromkeys(("samples", "batch", "weights"), _SCALAR),
    ("metrics", "BinaryIoU"): {"weights": _WHOLE_COUNTS},
    ("metrics", "IoU"): {"weights": _WHOLE_COUNTS},
    ("metrics", "MeanIoU"): {"weights": _WHOLE_COUNTS},
    ("metrics", "OneHotIoU"): {"weights": _WHOLE_COUNTS},
    ("metrics", "OneHotMeanIoU"): {"weights": _WHOLE_COUNTS},
    ("metrics", "SparseTopKCategoricalAccuracy"): {"precision": _NO_BFLOAT16},
    ("metrics", "TopKCategoricalAccuracy"): {"precision": _NO_BFLOAT16},
}
"""The rules that a component of Keras 3.15.1 does not keep, each with the reason."""

NEED_SCIPY = ("STFTSpectrogram",)
LEFT_OUT = {"layers": {"MaxNumBoundingBoxes": "it takes boxes, which are no samples of one shape"}}
