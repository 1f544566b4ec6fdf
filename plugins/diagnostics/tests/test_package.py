"""What `pyproject.toml` and the README promise is there."""

import importlib
import tomllib
from pathlib import Path

import keras
import pytest

PLUGIN = Path(__file__).resolve().parents[1]


def entry_points(group):
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["entry-points"][group]


@pytest.mark.parametrize("name", entry_points("zoo.metrics"))
def test_every_registered_metric_is_a_keras_metric_with_defaults(name):
    module, _, attribute = entry_points("zoo.metrics")[name].partition(":")
    metric = getattr(importlib.import_module(module), attribute)()
    assert isinstance(metric, keras.metrics.Metric)


def test_the_example_in_the_readme_prints_what_it_says(capsys):
    text = (PLUGIN / "README.md").read_text(encoding="utf-8")
    exec(text.split("```python\n")[1].split("```")[0], {})
    printed = [float(line) for line in capsys.readouterr().out.split()]
    assert printed == pytest.approx([20.0, 5.0], abs=1e-4)
