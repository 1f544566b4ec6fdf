"""Two documents compared: named things by their names, everything else by its place."""

import pytest

from zoo.differences import ABSENT, Difference, differences, flattened

CONV = {"name": "conv", "type": "keras/Conv1D", "filters": 32}
DENSE = {"name": "dense", "type": "keras/Dense", "units": 8}


def test_equal_documents_do_not_differ() -> None:
    assert differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_a_changed_value_has_its_key() -> None:
    found = differences({"train": {"epochs": 1}}, {"train": {"epochs": 2}})
    assert found == [Difference("train.epochs", 1, 2)]
    assert found[0].to_json() == {
        "key": "train.epochs",
        "change": "changed",
        "before": 1,
        "after": 2,
    }


def test_what_one_does_not_have_is_absent_and_not_none() -> None:
    (found,) = differences({"a": None}, {})
    assert (found.before, found.after, found.change) == (None, ABSENT, "removed")
    assert found.to_json() == {"key": "a", "change": "removed", "before": None}


def test_an_inserted_node_is_one_difference() -> None:
    found = differences({"layers": [CONV]}, {"layers": [DENSE, CONV]})
    assert found == [Difference("layers.dense", ABSENT, DENSE)]


def test_a_node_s_argument_is_found_wherever_the_node_stands() -> None:
    more = {**CONV, "filters": 64}
    found = differences({"layers": [CONV, DENSE]}, {"layers": [DENSE, more]})
    assert found == [Difference("layers.conv.filters", 32, 64)]


def test_tables_without_a_name_go_by_their_type() -> None:
    mae, mse = {"type": "keras/mae"}, {"type": "keras/mse"}
    found = differences({"metrics": [mae]}, {"metrics": [mse, mae, mae]})
    assert [(row.key, row.change) for row in found] == [
        ("metrics.mse", "added"),
        ("metrics.mae_1", "added"),
    ]


def test_a_name_that_the_type_implies_is_no_difference() -> None:
    before = {"type": "zoo/EarlyStopping", "patience": 5}
    after = {"type": "zoo/EarlyStopping", "patience": 9, "name": "early_stopping"}
    assert differences({"callbacks": [before]}, {"callbacks": [after]}) == [
        Difference("callbacks.early_stopping.patience", 5, 9)
    ]


def test_an_implied_name_gives_way_to_one_that_is_written() -> None:
    found = differences({"layers": [{"type": "keras/Dense"}, DENSE]}, {"layers": [DENSE]})
    assert [(row.key, row.change) for row in found] == [("layers.dense_1", "removed")]


@pytest.mark.parametrize(
    ("one", "other"), [(1, 2.0), (1, True), ("1", 1), ([1], [2]), ([], 0)], ids=str
)
def test_values_of_another_type_differ(one: object, other: object) -> None:
    assert [row.key for row in differences({"a": one}, {"a": other})] == ["a"]


def test_an_empty_list_and_tables_are_compared_table_by_table() -> None:
    found = differences({"layers": []}, {"layers": [CONV]})
    assert found == [Difference("layers.conv", ABSENT, CONV)]


def test_a_whole_number_is_the_same_with_a_point_and_without() -> None:
    assert differences({"a": 1}, {"a": 1.0}) == []


def test_a_document_is_flattened_to_the_keys_that_a_difference_would_have() -> None:
    document = {"name": "m", "layers": [CONV, DENSE], "train": {"epochs": 2}, "outputs": ["y"]}
    assert flattened(document) == {
        "name": "m",
        "layers.conv.name": "conv",
        "layers.conv.type": "keras/Conv1D",
        "layers.conv.filters": 32,
        "layers.dense.name": "dense",
        "layers.dense.type": "keras/Dense",
        "layers.dense.units": 8,
        "train.epochs": 2,
        "outputs": ["y"],
    }
