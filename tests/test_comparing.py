"""What two sides of a comparison have in common, without Keras."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.candidates import a_candidate
from zoo.comparing import Side, side
from zoo.errors import RegistryError
from zoo.registry.publishing import publish
from zoo.registry.tensors import Tensors, encode
from zoo.runs import Run
from zoo.workspace import Workspace

KERNEL = np.arange(4, dtype="float32")
Weights = Callable[[], Tensors]


def _side(fingerprint: str | None = None, weights: Weights | None = None) -> Side:
    return Side("a", "run", {}, fingerprint=fingerprint, weights=weights)


def _never() -> Tensors:
    pytest.fail("weights of another graph are not read")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "a", True), ("a", "b", False), (None, "a", None), ("a", None, None), (None, None, None)],
)
def test_two_graphs_are_the_same_another_or_not_known(
    one: str | None, other: str | None, same: bool | None
) -> None:
    assert _side(one).same_graph(_side(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"k": KERNEL}, {"k": KERNEL.copy()}, True),
        ({"k": KERNEL}, {"k": KERNEL + 1}, False),
        ({"k": KERNEL}, {"k": KERNEL.reshape(2, 2)}, False),
        ({"k": KERNEL}, {"k": KERNEL.view("int32")}, False),
        ({"k": KERNEL}, {"b": KERNEL}, False),
        ({"k": KERNEL, "b": KERNEL}, {"k": KERNEL, "b": -KERNEL}, False),
        ({"k": np.float32("nan") * KERNEL}, {"k": np.float32("nan") * KERNEL}, True),
    ],
    ids=["equal", "other values", "other shape", "other type", "other path", "one of two", "NaN"],
)
def test_weights_are_the_same_bit_for_bit_or_they_are_not(
    one: Tensors, other: Tensors, same: bool
) -> None:
    assert _side(None, lambda: one).same_weights(_side(None, lambda: other)) is same


def test_where_there_are_no_weights_nothing_is_known_of_them() -> None:
    there = _side("a", _never)
    assert there.same_weights(_side("a")) is None
    assert _side("a").same_weights(there) is None


def test_weights_of_another_graph_are_others_and_not_read() -> None:
    assert _side("a", _never).same_weights(_side("b", _never)) is False


DOCUMENT = {"zoo": 1, "name": "tiny"}


def test_a_version_is_named_in_full_with_what_it_reached_and_its_weights(zoo_root: Path) -> None:
    publish(zoo_root, a_candidate(metrics={"loss": 0.5}), "1.2.0")
    publish(zoo_root, a_candidate(), "2.0.0")
    found = side("tiny@1", Workspace(zoo_root))
    assert (found.label, found.kind, found.document) == ("tiny@1.2.0", "version", DOCUMENT)
    assert (found.metrics, found.fingerprint) == ({"loss": 0.5}, "a" * 64)
    assert found.weights is not None
    assert found.weights().keys() == {"dense/kernel", "dense/bias"}


def test_of_a_version_whose_weights_are_elsewhere_all_else_is_known(zoo_root: Path) -> None:
    entry = publish(zoo_root, a_candidate(), "1.2.0")
    (zoo_root / entry.file).unlink()
    found = side("tiny@1.2.0", Workspace(zoo_root))
    assert (found.document, found.fingerprint, found.weights) == (DOCUMENT, "a" * 64, None)


def test_a_version_whose_config_was_changed_is_refused(zoo_root: Path) -> None:
    entry = publish(zoo_root, a_candidate(), "1.2.0")
    (zoo_root / entry.config).write_text("zoo = 2\n")
    with pytest.raises(RegistryError, match=r"tiny@1\.2\.0: weights/tiny/1\.2\.0\.toml is not the"):
        side("tiny@1.2.0", Workspace(zoo_root))


def test_a_run_is_named_as_the_user_did_and_has_weights_once_an_epoch_is_done(
    zoo_root: Path,
) -> None:
    run = Run(zoo_root / "run@1")
    run.folder.mkdir()
    run.config_path.write_text('zoo = 1\nname = "tiny"\n')
    run.write_facts(fingerprint="b" * 64, weights=["k"])
    begun = side("run@1", Workspace(zoo_root))
    assert begun == Side("run@1", "run", DOCUMENT, {}, "b" * 64, None)
    history = {"history": json.dumps({"loss": [3.0, 2.5, 2.0]})}
    run.checkpoint_path.write_bytes(encode({"model/k": KERNEL}, history))
    trained = side("run@1", Workspace(zoo_root))
    assert trained.metrics == {"loss": 2.0}
    assert trained.weights is not None
    assert trained.weights()["k"].tolist() == KERNEL.tolist()


def test_anything_else_is_a_config_even_if_its_name_has_an_at(
    zoo_root: Path, tiny: Callable[..., str]
) -> None:
    (zoo_root / "a@1").mkdir()
    (zoo_root / "a@1" / "tiny.toml").write_text(tiny())
    found = side("a@1/tiny.toml", Workspace(zoo_root))
    assert (found.label, found.kind, found.document["name"]) == ("a@1/tiny.toml", "config", "tiny")
    assert (found.metrics, found.fingerprint, found.weights) == ({}, None, None)
