"""Published versions, held to the lock wherever one is named."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import zoo
from tests.candidates import a_candidate
from zoo.registry.publishing import publish

pytestmark = pytest.mark.usefixtures("few_files")

RESOLVED = 'zoo = 1\nname = "{}"\n[[layers]]\nname = "y"\ntype = "zoo/Dense"\nunits = 1\n{}'
ABOVE = """\
zoo = 1
name = "above"
[[inputs]]
name = "x"
shape = [8]
[[layers]]
name = "y"
type = "zoo:tiny@1"
"""


def put(root, version, value=0.0, name="tiny", more=""):
    """Publishes a version; what its weights and its config say is never built here."""
    candidate = a_candidate(
        name,
        source="model.toml",
        config=RESOLVED.format(name, more),
        tensors={"y/kernel": np.full((8, 1), value, "float32")},
        plugins={"zoo-tides": "1.0"},
    )
    publish(root, candidate, version)


def withdraw(root):
    """Takes every version away, as if the registry had been written by somebody else."""
    text = (root / "registry.toml").read_text().partition("[[weights]]")[0]
    lines = [line for line in text.splitlines() if not line.startswith("index")]
    (root / "registry.toml").write_text("\n".join(lines) + "\n")
    shutil.rmtree(root / "weights")


@pytest.fixture
def published(root, cli):
    put(root, "1.0.0")
    put(root, "1.1.0")
    cli("lock")
    return root


def refused(cli, reference, status):
    """What `predict`, `evaluate` and `zoo.load` say, which is the same."""
    np.save("x.npy", np.zeros((1, 8), "float32"))
    said = cli("evaluate", reference, "--locked", status=status).err
    assert cli("predict", reference, "x.npy", "-o", "y.npy", "--locked", status=status).err == said
    with pytest.raises(zoo.ZooError) as caught:
        zoo.load(reference, locked=True)
    assert str(caught.value) in said
    return said


def test_weights_that_were_replaced_and_sealed_again_are_refused(published, cli):
    withdraw(published)
    put(published, "1.0.0", 1.0)
    put(published, "1.1.0")
    assert cli("verify", "tiny").status == 0  # to the registry, all is well
    said = refused(cli, "tiny@1.0.0", 3)
    assert "error[hash-mismatch]: tiny@1.0.0 is not what was locked: weights " in said
    assert " in the lock, " in said
    assert "restore it from version control" in said
    assert "tiny@1.0.0 is not what was locked" in cli("lock", "--check", status=3).err


def test_a_resolved_config_that_was_replaced_and_sealed_again_is_refused(published, cli):
    withdraw(published)
    put(published, "1.0.0", more='activation = "relu"\n')
    put(published, "1.1.0")
    said = refused(cli, "tiny@1.0.0", 3)
    assert "tiny@1.0.0 is not what was locked: resolved config " in said


def test_a_plugin_that_made_a_version_counts(published, cli, site):
    (site / "tides/losses.py").write_text("swell = None\n")
    assert "changed tides/losses.py" in refused(cli, "tiny@1.0.0", 5)


def test_a_version_that_is_newer_than_the_lock_is_not_locked(published, cli):
    put(published, "1.2.0")
    said = refused(cli, "tiny", 2)
    assert "error[not-locked]: tiny@1.2.0 is not in zoo.lock" in said
    assert "zoo.lock is not up to date: 1 difference" in cli("lock", "--check", status=2).out
    cli("check", "tiny", "--locked")


def test_where_the_lock_is_of_models_that_were_named_a_version_is_locked_by_its_model(
    published, cli
):
    cli("lock", "base.toml")
    said = cli("evaluate", "tiny@1.1.0", "--locked", status=2).err
    assert "error[not-locked]: tiny@1.1.0 is not in zoo.lock" in said
    assert "lock it too: zoo lock base.toml tiny\n" in said


def test_a_version_that_the_registry_lost_is_named(published, cli):
    withdraw(published)
    put(published, "1.1.0")
    (error,) = cli("lock", "--check", "--json", status=3).document["errors"]
    assert error["message"] == "tiny@1.0.0 is locked, and the registry does not have it"


def test_a_name_that_means_another_version_since_one_was_withdrawn_is_refused(published, cli):
    cli("yank", "tiny@1.1.0")
    said = refused(cli, "tiny", 3)
    assert "tiny@1.1.0 is not what was locked: status stable in the lock, yanked here" in said
    assert "tiny@1.1.0" in refused(cli, "tiny@1", 3)
    cli("lock", "--check", status=3)
    # The other one is what it was.
    said = cli("evaluate", "tiny@1.0.0", "--locked", status=2).err
    assert said.startswith("error[missing-key]")  # it was made of no config that can be built


def test_a_version_that_a_model_is_made_of_counts(published, cli):
    (published / "above.toml").write_text(ABOVE)
    cli("lock", "model.toml", "above.toml")
    assert cli("check", "above.toml", "--locked").status == 0
    withdraw(published)
    put(published, "1.0.0")
    put(published, "1.1.0", 1.0)
    said = cli("check", "above.toml", "--locked", status=3).err
    assert "tiny@1.1.0 is not what was locked: weights " in said
    put(published, "1.2.0")
    errors = cli("check", "above.toml", "--locked", "--json", status=3).document["errors"]
    assert [error["code"] for error in errors] == ["hash-mismatch", "not-locked", "config-changed"]


def test_a_version_that_a_version_is_made_of_counts(published, cli):
    layer = '[[layers]]\nname = "z"\ntype = "zoo:tiny@1.0.0"\n'
    put(published, "1.0.0", name="outer", more=layer)
    cli("lock")
    withdraw(published)
    put(published, "1.0.0", 1.0)
    put(published, "1.1.0")
    put(published, "1.0.0", name="outer", more=layer)
    assert "tiny@1.0.0 is not what was locked" in refused(cli, "outer@1.0.0", 3)


def test_the_version_that_a_training_starts_from_counts(published, cli):
    withdraw(published)
    put(published, "1.0.0", 1.0)
    put(published, "1.1.0")
    said = cli("train", "tiny", "--from", "tiny@1.0.0", "--locked", status=3).err
    assert "tiny@1.0.0 is not what was locked" in said
    with pytest.raises(zoo.RegistryError, match=r"tiny@1\.0\.0 is not what was locked"):
        zoo.train("tiny", start_from="tiny@1.0.0", locked=True)
