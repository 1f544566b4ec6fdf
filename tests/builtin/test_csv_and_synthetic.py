"""The datasets `csv` and `synthetic`."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.builtin.datasets import csv, synthetic

TABLE = "a,b,c,d\n1,2,3,4\n5,6,7,8\n9,10,11,12\n13,14,15,16\n"


@pytest.fixture
def table(tmp_path):
    def table(text=TABLE):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return table


def test_the_columns_that_are_no_outputs_are_inputs(table):
    x, y = csv(table(), outputs=["c"])["train"]
    assert x.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(x, [[1, 2, 4], [5, 6, 8], [9, 10, 12], [13, 14, 16]])
    np.testing.assert_array_equal(y, [[3], [7], [11], [15]])


def test_columns_come_in_the_order_asked_for(table):
    x, y = csv(table(), outputs=["d", "a"], inputs=["c", "b"])["train"]
    np.testing.assert_array_equal(x[0], [3, 2])
    np.testing.assert_array_equal(y[0], [4, 1])


def test_shares_are_taken_from_the_end(table):
    data = csv(table(), outputs=["a"], validation_split=0.34, test_split=0.25)
    assert {name: split[1][:, 0].tolist() for name, split in data.items()} == {
        "train": [1.0, 5.0],
        "test": [13.0],
        "validation": [9.0],
    }


def test_another_delimiter_a_byte_order_mark_and_empty_lines_are_read(table):
    text = "\ufeff" + TABLE.replace(",", ";").replace("\n5", "\n\n5")
    x, _ = csv(table(text), outputs=["d"], delimiter=";")["train"]
    assert x.shape == (4, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TABLE.replace("6", "six"),
            r"table\.csv:3: the column 'b' is not a number; of a class, write its number, from 0",
        ),
        (TABLE.replace("12", ""), r"table\.csv:4: the column 'd' is not a number"),
        (TABLE.replace("7,8", "7"), r"table\.csv:3 has 3 cells; the header has 4"),
        (TABLE.replace("a,b", "a,e"), r"has no column 'b'; it has a, e, c, d"),
        ("", r"has no column 'b'"),
    ],
)
def test_a_table_that_is_wrong_is_named_by_line_and_column(table, text, message):
    with pytest.raises(ValueError, match=message):
        csv(table(text), outputs=["b"])


def test_synthetic_data_has_the_shapes_and_sizes_asked_for():
    data = synthetic([3, 2], [4], samples=10, validation_samples=5, test_samples=0)
    assert list(data) == ["train", "validation"]
    assert data["train"][0].shape == (10, 3, 2)
    assert data["validation"][1].shape == (5, 4)
    assert data["train"][0].dtype == data["train"][1].dtype == np.float32


def test_synthetic_data_follows_from_its_seed():
    first, again, other = (synthetic([3], [2], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first["train"][0], again["train"][0])
    assert not np.array_equal(first["train"][0], other["train"][0])
    assert not np.array_equal(first["train"][0][:64], first["test"][0])


def test_synthetic_targets_are_a_tanh_of_a_linear_map_and_noise():
    data = synthetic([3], [2], samples=2000, noise=0.0, seed=4)
    x, y = (part.astype("float64") for part in data["train"])
    # Without noise the map can be found again, and fits the test split too.
    matrix, *_ = np.linalg.lstsq(x, np.arctanh(np.clip(y, -0.999999, 0.999999)), rcond=None)
    held_x, held_y = data["test"]
    np.testing.assert_allclose(np.tanh(held_x @ matrix), held_y, atol=1e-3)
    noisy = synthetic([3], [2], samples=2000, noise=0.5, seed=4)["train"][1]
    assert np.std(noisy - np.tanh(x @ matrix)) == pytest.approx(0.5, rel=0.05)


def test_synthetic_labels_are_the_place_of_the_largest_number():
    numbers = synthetic([3], [4], seed=2)["train"][1]
    labels = synthetic([3], [4], seed=2, targets="labels")["train"][1]
    np.testing.assert_array_equal(labels, np.argmax(numbers, axis=1))
    assert set(labels.tolist()) == {0, 1, 2, 3}


def test_synthetic_labels_of_one_number_say_whether_it_is_positive():
    numbers = synthetic([3], [1], seed=2)["train"][1]
    labels = synthetic([3], [1], seed=2, targets="labels")["train"][1]
    assert (labels.shape, labels.dtype) == ((256, 1), np.float32)
    np.testing.assert_array_equal(labels == 1, numbers > 0)


def test_synthetic_inputs_by_name_are_the_parts_of_one():
    whole = synthetic([7], [2], seed=3)["train"]
    x, y = synthetic({"a": [2, 2], "b": [3]}, [2], seed=3)["train"]
    np.testing.assert_array_equal(np.hstack([x["a"].reshape(-1, 4), x["b"]]), whole[0])
    np.testing.assert_array_equal(y, whole[1])
