"""`zoo export` from the first line to the file, and back by `zoo import`."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import zoo


@pytest.mark.usefixtures("warm_processes")
def test_export_says_what_it_wrote_and_how_close_it_is(cli, published, zoo_root):
    done = cli("export", published, "--format", "keras", "--json")
    file = zoo_root / "tiny-1.0.0.keras"
    document = done.document
    assert document["model"] == "tiny@1.0.0"
    assert document["format"] == "keras"
    assert document["file"] == file.name
    assert document["size"] == file.stat().st_size
    assert document["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert document["check"] == {
        "difference": 0.0,
        "tolerance": 1e-6,
        "precision": "float32",
        "batches": [1, 3],
    }
    assert document["imports"] == []
    assert done.err.splitlines() == [
        "writing tiny-1.0.0.keras",
        "checking it in a process without the zoo",
    ]
    again = cli("import", file, "--model", "tiny", "--json").document
    assert again["version"] == "tiny@1.1.0"
    first, second = (zoo.load(f"tiny@1.{minor}.0", zoo=zoo_root) for minor in (0, 1))
    for ours, theirs in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.usefixtures("warm_processes")
@pytest.mark.parametrize("kind", ["h5", "safetensors"])
def test_weights_alone_come_back_as_they_were(cli, published, zoo_root, kind):
    suffix = {"h5": "weights.h5"}.get(kind, kind)
    text = cli("export", published, "-f", kind, "-o", f"out/w.{suffix}", "--quiet")
    assert text.err == ""
    assert f"exported   tiny@1.0.0 as {kind}" in text.out
    cli("import", zoo_root / f"out/w.{suffix}", "--model", "tiny")
    first, second = (zoo.load(f"tiny@1.{minor}.0", zoo=zoo_root) for minor in (0, 1))
    for ours, theirs in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.slow  # a training and a process that starts TensorFlow
def test_a_run_is_exported_by_its_folder(cli, tiny, zoo_root):
    run = Path(cli("train", tiny, "--json", "-q").document["run"])
    document = cli("export", run, "-f", "savedmodel", "--json").document
    assert document["file"] == f"{run.name}.savedmodel"
    assert (zoo_root / document["file"] / "saved_model.pb").is_file()
    files = sorted(p for p in (zoo_root / document["file"]).rglob("*") if p.is_file())
    assert document["size"] == sum(path.stat().st_size for path in files)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_converters_write_nothing_but_the_progress(cli, published, kind):
    done = cli("export", published, "--format", kind, "--json")
    assert done.document["check"]["difference"] <= done.document["check"]["tolerance"] == 1e-5
    assert len(done.err.splitlines()) == 2


def test_what_cannot_be_asked_for_is_said_before_anything_is_loaded(cli, published, zoo_root):
    wrong = cli("export", published, "-f", "pickle", "--json", status=2).document
    assert "'pickle' is not a format of `zoo export`" in wrong["errors"][0]["message"]
    name = cli("export", published, "-f", "onnx", "-o", "net.pb", status=2)
    assert "net.pb is no name for onnx" in name.err
    assert "a name that ends in .onnx" in name.err
    unknown = cli("export", "tiny@9", "-f", "keras", status=3)
    assert "tiny" in unknown.err
    assert not list(zoo_root.glob("*.onnx"))


def test_a_folder_that_cannot_be_written_is_an_error_of_storage(cli, published, zoo_root):
    (zoo_root / "file").touch()
    done = cli("export", published, "-f", "keras", "-o", "file/m.keras", status=4)
    assert "file" in done.err
