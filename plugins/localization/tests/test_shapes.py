"""Shape rules against the layers themselves, wrong arguments and inputs among them."""

import inspect
import random
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import keras
import pytest

from zoo_localization import layers, shapes

Case = tuple[dict[str, Any], Any]
"""The arguments, and the shapes without batch: one, or a list of them."""


def gain(draw: random.Random) -> list[int | None]:
    """The shape of a gain, seldom of a wrong one."""
    nobs = draw.choice([1, 2, 3, 4, 6])
    size = nobs * draw.choice([1, 2, 3])
    forms: list[list[int | None]] = [[size, nobs], [size, nobs], [size, nobs, 1]]
    wrong: list[list[int | None]] = [[size], [size + 1, nobs], [None, nobs], [size, nobs, 2]]
    return draw.choice(forms * 3 + wrong)


def loc_by_1d(draw: random.Random) -> Case:
    raw = gain(draw)
    size = raw[0] or 4
    vector = draw.choice([[size // 2 + 1], [size], [size, 1], [size + 1], [size, 2]])
    more = draw.choice([{}, {}, {"model_size": size}, {"nobs": 3}])
    pair = draw.choice([[raw, vector]] * 6 + [[raw], raw])
    return {"obs_dens": draw.choice([1, 1, 2, 3, 0]), **more}, pair


def localization_vector(draw: random.Random) -> Case:
    more = draw.choice([{}, {"cutoff": 3.0}, {"cutoff": -1.0}])
    return {"half": draw.choice([True, False]), **more}, gain(draw)


def roll_to_observations(draw: random.Random) -> Case:
    return {"obs_dens": draw.choice([1, 2, 3, -1])}, gain(draw)


def padding_1d(draw: random.Random) -> Case:
    padding = draw.choice([0, 2, [1, 2], -1, [1, 2, 3]])
    return {"padding": padding}, draw.choice([[4, 2], [None, 2], [4], [4, 2, 1]])


def padding_2d(draw: random.Random) -> Case:
    padding = draw.choice([0, 2, [1, 2], [[1, 2], [0, 1]], [[1, -2], 1], [1, 2, 3]])
    return {"padding": padding}, draw.choice([[4, 3, 2], [None, 3, 2], [4, 2]])


def band_conv_2d(draw: random.Random) -> Case:
    arguments = {"filters": draw.choice([2, 3, 0]), "kernel_size": draw.choice([1, 3, 5, 2])}
    arguments |= {"dilation": draw.choice([1, 2, 4]), "residual": draw.choice([True, False])}
    arguments |= {"offset_scale": draw.choice([True, False])}
    return arguments, draw.choice([[6, 4, 2], [6, 4, 3], [2, 4, 2], [6, None, 2], [6, 4]])


def gain_features(draw: random.Random) -> Case:
    arguments = {"half_width": draw.choice([1, 1, 2, 3, 0])}
    more: list[dict[str, Any]] = [{}, {"cutoffs": [2.0]}, {"cutoffs": []}, {"cutoffs": [-1.0]}]
    return arguments | draw.choice([*more, {"obs_error_variance": 0.0}]), gain(draw)


def gain_from_band(draw: random.Random) -> Case:
    nobs, width, obs_dens, count = 4, 2, draw.choice([1, 2]), draw.choice([0, 1, 2])
    features = [nobs, width, (3 + count) * obs_dens + 2]
    correction = [nobs, draw.choice([width, width, 3]), (2 + count) * obs_dens]
    odd = [nobs, width, (2 + count) * obs_dens + draw.choice([0, 1])]
    return {}, draw.choice([[features, correction], [features, odd], [features], features])


def scale_blend(draw: random.Random) -> Case:
    arguments = {"obs_dens": draw.choice([1, 1, 2, 0]), "cutoff": draw.choice([3.0, 3.0, -1.0])}
    arguments["std"] = draw.choice([0, 0.5, 2.0, -1.0])
    long, raw = gain(draw), gain(draw)
    return arguments, draw.choice([[long, long]] * 4 + [[long, raw], [long], long])


def state_band(draw: random.Random) -> Case:
    arguments = {"nobs": draw.choice([2, 4, 0]), "half_width": draw.choice([1, 2, 3])}
    return arguments, draw.choice([[8], [8], [7], [None], [8, 1]])


CASES: dict[str, tuple[Any, Any, Callable[[random.Random], Case]]] = {
    "BandConv2D": (layers.BandConv2D, shapes.band_conv_2d, band_conv_2d),
    "GainFeatures": (layers.GainFeatures, shapes.gain_features, gain_features),
    "GainFromBand": (layers.GainFromBand, shapes.gain_from_band, gain_from_band),
    "Loc_by_1D": (layers.LocBy1D, shapes.loc_by_1d, loc_by_1d),
    "LocalizationVector": (
        layers.LocalizationVector,
        shapes.localization_vector,
        localization_vector,
    ),
    "PeriodicPadding1D": (layers.PeriodicPadding1D, shapes.periodic_padding_1d, padding_1d),
    "PeriodicPadding2D": (layers.PeriodicPadding2D, shapes.periodic_padding_2d, padding_2d),
    "RollToObservations": (
        layers.RollToObservations,
        shapes.roll_to_observations,
        roll_to_observations,
    ),
    "ScaleBlend": (layers.ScaleBlend, shapes.scale_blend, scale_blend),
    "StateBand": (layers.StateBand, shapes.state_band, state_band),
}


def ruled(layer: Any, rule: Any, case: Case) -> Any:
    """What the rule says, as `(shape, weights)`; the message where it refuses."""
    given, found = case
    signature = inspect.signature(layer.__init__).parameters.values()
    defaults = {p.name: p.default for p in signature if p.default is not p.empty}
    is_list = bool(found) and isinstance(found[0], list)
    batched: Any = [(None, *shape) for shape in found] if is_list else (None, *found)
    try:
        known = rule({**defaults, **given}, batched)
    except ValueError as error:
        return str(error)
    return tuple(known["output"]), sorted(tuple(shape) for shape in known["weights"])


def built(layer: Any, case: Case) -> Any:
    """What Keras builds; the error where it refuses."""
    given, found = case
    is_list = bool(found) and isinstance(found[0], list)
    inputs: Any = [keras.Input(shape) for shape in found] if is_list else keras.Input(found)
    try:
        made = layer(**given)
        output = made(inputs)
    except (ValueError, TypeError) as error:
        return error
    return tuple(output.shape), sorted(tuple(weight.shape) for weight in made.weights)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_says_what_the_layer_does(name: str) -> None:
    layer, rule, draw_case = CASES[name]
    draw = random.Random(name)
    fitting = 0
    for _ in range(60):
        case = draw_case(draw)
        said, does = ruled(layer, rule, case), built(layer, case)
        if isinstance(does, Exception):
            assert isinstance(said, str), (case, said, does)
            assert said.startswith(("expects ", "takes ")), said
        else:
            assert said == does, case
            fitting += 1
    assert 5 < fitting < 60


def test_every_layer_offers_its_rule_under_its_own_name() -> None:
    installed = {
        group: {p.name for p in entry_points(group=group) if p.value.startswith("zoo_localization")}
        for group in ("zoo.layers", "zoo.shapes")
    }
    assert installed["zoo.shapes"] == installed["zoo.layers"] == set(CASES)


def test_a_vector_of_the_wrong_length_is_named_with_its_shape() -> None:
    message = "expects input 2 of shape (batch, 21) or (batch, 40)"
    arguments = {"obs_dens": 2, "model_size": None, "nobs": None}
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        shapes.loc_by_1d(arguments, [(None, 40, 20), (None, 20)])
