"""What Keras's own registered components are tried with, and which of their rules they break.

A case is `(arguments, what it is called with, rules that are left out)`; where Keras breaks a rule,
or a rule does not fit what the component is for, the reason stands beside it.
"""

from typing import Any

import keras
import numpy as np

Case = tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]

FLAT, SERIES, IMAGE, VOLUME = (6,), (8, 3), (8, 8, 3), (4, 4, 4, 2)
BY_RANK = {"1D": SERIES, "2D": IMAGE, "3D": VOLUME}
PAIR = [(4,), (4,)]
RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.integers(0, 7, size=(5, 4))
WORDS = np.array([["red"], ["green"], ["blue"], ["red"], ["none"]])

# Not smooth: what they give are whole numbers, or steps.
STEPS = ("gradient",)


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
    "CenterCrop": ({"height": 4, "width": 4}, IMAGE),
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
    "RandomCrop": ({"height": 4, "width": 4}, IMAGE),
    "Resizing": ({"height": 4, "width": 4}, IMAGE),
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
    "AugMix": ({}, IMAGE),
    "AutoContrast": ({}, IMAGE),
    "ContrastLimitedAdaptiveHistogramEqualization": ({}, IMAGE),
    "CutMix": ({}, IMAGE),
    "Equalization": ({}, IMAGE),
    "MixUp": ({}, IMAGE),
    "RandAugment": ({}, IMAGE),
    "RandomBrightness": ({"factor": 0.3}, IMAGE),
    "RandomColorDegeneration": ({"factor": 0.3}, IMAGE),
    "RandomColorJitter": ({"brightness_factor": 0.3}, IMAGE),
    "RandomContrast": ({"factor": 0.3}, IMAGE),
    "RandomElasticTransform": ({}, IMAGE),
    "RandomErasing": ({}, IMAGE),
    "RandomFlip": ({}, IMAGE),
    "RandomGaussianBlur": ({}, IMAGE),
    "RandomGrayscale": ({}, IMAGE),
    "RandomHue": ({"factor": 0.3}, IMAGE),
    "RandomInvert": ({}, IMAGE),
    "RandomPerspective": ({}, IMAGE),
    "RandomPosterization": ({"factor": 4}, IMAGE),
    "RandomRotation": ({"factor": 0.3}, IMAGE),
    "RandomSaturation": ({"factor": 0.3}, IMAGE),
    "RandomSharpness": ({"factor": 0.3}, IMAGE),
    "RandomShear": ({"x_factor": 0.3}, IMAGE),
    "RandomTranslation": ({"height_factor": 0.3, "width_factor": 0.3}, IMAGE),
    "RandomZoom": ({"height_factor": 0.3}, IMAGE),
    "Solarization": ({}, IMAGE),
}
BY_RANK_OF_INPUT = {
    "AdaptiveAveragePooling": {"output_size": 2},
    "AdaptiveMaxPooling": {"output_size": 2},
    "AveragePooling": {},
    "MaxPooling": {},
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
