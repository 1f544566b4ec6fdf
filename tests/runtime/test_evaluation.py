"""Every evaluator of a config has its own place in the results."""

from pathlib import Path

import zoo
from zoo.runtime.evaluation import evaluate
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "twice"
loss = "mse"
inputs = [{ name = "x", shape = [3] }]
layers = [{ type = "Dense", units = 2 }]
data = { type = "synthetic", x_shape = [3], y_shape = [2] }
evaluate = [{ type = "metrics" }, { type = "metrics", split = "train" }]
"""


def test_two_evaluators_of_one_type_do_not_overwrite_each_other(zoo_root: Path) -> None:
    (zoo_root / "twice.toml").write_text(CONFIG)
    workspace = Workspace(zoo_root)
    model = workspace.check("twice.toml").usable
    built = zoo.build("twice.toml")
    results = evaluate(model, built, workspace.catalog)
    assert list(results) == ["metrics", "metrics_1"]
    assert results["metrics"]["loss"] != results["metrics_1"]["loss"]
