"""Names: of components, kinds, arguments and distributions."""

import pytest

from zoo.components import (
    ARGUMENT_KINDS,
    KINDS,
    MODELS,
    Component,
    closest,
    did_you_mean,
    kind_of_argument,
    listed,
    normalized,
    paths_in,
    snake_case,
)


def test_the_kinds_are_those_of_the_contract() -> None:
    assert KINDS == (
        "layers",
        "losses",
        "metrics",
        "optimizers",
        "callbacks",
        "datasets",
        "loops",
        "evaluators",
    )
    assert MODELS not in KINDS
    assert not set(KINDS) & set(ARGUMENT_KINDS)


def test_a_component_has_a_qualified_name_and_a_row_in_json() -> None:
    component = Component("layers", "Dense", "zoo", "0.1.0", "keras.layers:Dense")
    assert component.qualified == "zoo/Dense"
    assert component.to_json() == {
        "kind": "layers",
        "name": "Dense",
        "distribution": "zoo",
        "version": "0.1.0",
        "target": "keras.layers:Dense",
        "status": "ok",
        "reason": "",
    }


@pytest.mark.parametrize(
    ("argument", "kind"),
    [
        ("kernel_initializer", "initializers"),
        ("initializer", "initializers"),
        ("bias_regularizer", "regularizers"),
        ("kernel_constraint", "constraints"),
        ("recurrent_activation", "activations"),
        ("activation", "activations"),
        ("learning_rate", "schedules"),
        ("inner_optimizer", "optimizers"),
        ("layer", "layers"),
        ("cells", "layers"),
        ("backward_layer", "layers"),
        ("units", None),
        ("initializers", None),
        ("activations_of", None),
    ],
)
def test_the_name_of_an_argument_tells_its_kind(argument: str, kind: str | None) -> None:
    assert kind_of_argument(argument) == kind


@pytest.mark.parametrize(
    ("argument", "value", "paths"),
    [
        ("path", "a.npz", ["a.npz"]),
        ("log_dir", "logs", ["logs"]),
        ("files", ["a", "b", 3], ["a", "b"]),
        ("vocabulary", "words.txt", ["words.txt"]),
        ("vocabulary", ["the", "words"], []),
        ("path", 3, []),
        ("units", "a.npz", []),
        ("pathology", "a.npz", []),
    ],
    ids=str,
)
def test_an_argument_is_a_path_if_its_name_says_so(
    argument: str, value: object, paths: list[str]
) -> None:
    assert paths_in(argument, value) == paths


@pytest.mark.parametrize("name", ["zoo-weighted-loss", "Zoo_Weighted.Loss", "zoo--weighted__loss"])
def test_a_distribution_has_one_spelling(name: str) -> None:
    assert normalized(name) == "zoo-weighted-loss"


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Dense", "dense"),
        ("EarlyStopping", "early_stopping"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("LSTM", "lstm"),
        ("Loc_by_1D", "loc_by_1d"),
        ("zoo-extra/MyLayer", "my_layer"),
        ("zoo:my-model@1", "zoo_my_model_1"),
    ],
)
def test_a_name_is_spelt_in_snake_case_as_keras_spells_it(name: str, snake: str) -> None:
    assert snake_case(name) == snake


@pytest.mark.parametrize(
    ("word", "match"),
    [("Dence", "Dense"), ("dense", "Dense"), ("Conv1d", "Conv1D"), ("Nothing", None), ("", None)],
)
def test_the_closest_name_is_found_whatever_its_case(word: str, match: str | None) -> None:
    assert closest(word, ["Dense", "Conv1D", "Conv2D"]) == match


@pytest.mark.parametrize(
    ("word", "match"),
    [("tyni", "tiny"), ("nita", "anti"), ("mes", "mse"), ("ab", None), ("tiny", "tiny")],
)
def test_exchanged_letters_of_a_short_word_are_seen_through(word: str, match: str | None) -> None:
    assert closest(word, ["mse", "tiny", "anti", "ba"]) == match


def test_words_that_share_few_letters_are_not_alike() -> None:
    assert closest("stack", ["Subtract", "Dense"]) is None
    assert closest("batchnorm", ["BatchNormalization"]) == "BatchNormalization"


def test_a_word_beyond_all_measure_is_like_nothing() -> None:
    assert closest("a" * 10_000_000, ["a" * 99]) is None


def test_a_suggestion_names_the_closest_or_says_something_else() -> None:
    assert did_you_mean("Dence", ["Dense"]) == 'did you mean "Dense"?'
    assert did_you_mean("xyz", ["Dense"], "see `zoo list`") == "see `zoo list`"
    assert did_you_mean("xyz", ["Dense"]) is None


@pytest.mark.parametrize(
    ("word", "meant"), [("Adm", "Adam"), ("adm", "adam"), ("L22", "L2"), ("ADAM", "Adam")]
)
def test_of_two_that_differ_in_case_the_one_spelt_alike_is_meant(word: str, meant: str) -> None:
    assert closest(word, ["adam", "Adam", "l2", "L2"]) == meant


def test_a_long_list_of_names_is_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(100))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ..."
