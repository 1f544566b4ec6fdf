"""What rules return, and how shapes and settings are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo.shapes import reading
from zoo.shapes.forms import Shaped, known, shaped, words
from zoo.shapes.pooling import POOLING

POOL = {"keepdims": False, "data_format": None}
IMAGE = (None, 3, 8, 8)


@pytest.fixture
def _settings_are_read_anew() -> Iterator[None]:
    reading._usual_layout.cache_clear()
    yield
    reading._usual_layout.cache_clear()


@pytest.mark.usefixtures("_settings_are_read_anew")
@pytest.mark.parametrize(
    ("settings", "channels"),
    [
        ('{"image_data_format": "channels_first"}', 3),
        ('{"image_data_format": "channels_last"}', 8),
        ("{}", 8),
        ("[]", 8),
        ("{", 8),
        (None, 8),
    ],
)
def test_where_channels_stand_is_what_keras_is_set_to(
    settings: str | None, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if settings is not None:
        (tmp_path / "keras.json").write_text(settings)
    found = POOLING["GlobalMaxPooling2D"](POOL, IMAGE)
    assert found == known((None, channels))


@pytest.mark.parametrize(
    ("value", "output", "weights"),
    [
        ((None, 3), (None, 3), None),
        ([None, 3], (None, 3), None),
        ([(None, 3), (None, 4)], [(None, 3), (None, 4)], None),
        (known((None, 3), (2, 2), ()), (None, 3), ((2, 2), ())),
        (known((None, 3), (None, 2)), (None, 3), None),
        ({"output": (None, 3), "weights": 7}, (None, 3), None),
        ({"weights": []}, None, ()),
        ((None, -3), None, None),
        ((None, "3"), None, None),
        ((None, True), (None, 1), None),
        ((), None, None),
        ([(None, 3), (None, "3")], None, None),
        ("nonsense", None, None),
        (None, None, None),
    ],
)
def test_what_makes_no_sense_is_not_known(value: Any, output: Any, weights: Any) -> None:
    assert shaped(value) == Shaped(output, weights)


def test_parameters_are_the_numbers_that_the_weights_hold() -> None:
    assert Shaped((None, 1), ((3, 2), (2,), ())).parameters == 9
    assert Shaped((None, 1), ()).parameters == 0
    assert Shaped((None, 1)).parameters is None


def test_a_shape_is_worded_with_its_batch_and_cut_where_nobody_would_read_it() -> None:
    assert words((None, 40, None)) == "(batch, 40, any)"
    assert words((None,)) == "(batch)"
    assert words((None, *range(1, 20))) == "(batch, 1, 2, 3, 4, 5, ..., 19)"
