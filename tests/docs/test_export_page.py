"""What docs/export.md says of loading works without the zoo, and its numbers are the code's."""

import re
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests import warm
from zoo.runtime import export_check, exporting
from zoo.runtime.converting import SUFFIXES
from zoo.runtime.export_check import Agreement
from zoo.runtime.exporting import export
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

PAGE = (Path(__file__).resolve().parents[2] / "docs/export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
CONFIG = """
zoo = 1
name = "my-model"
inputs = [{ name = "x", shape = [4] }]
layers = [{ name = "y", type = "Dense", units = 2 }]
"""


@pytest.fixture
def files(zoo_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(exporting, "agreement", lambda *_: Agreement(0.0, 0.0, "float32"))
    (zoo_root / "m.toml").write_text(CONFIG)
    workspace = Workspace(zoo_root)
    resolved, shelf = workspace.check("m.toml").usable, Shelf(None, workspace.catalog)
    model = shelf.build(resolved)
    for kind, suffix in SUFFIXES.items():
        file = zoo_root / f"my-model-1.0.0{suffix}"
        export(model, shelf.graph(resolved, model), "my-model@1.0.0", kind, file, print)
    return zoo_root


def test_each_block_loads_its_file_without_the_zoo(files: Path) -> None:
    assert len(BLOCKS) == 5
    script = files / "load.py"
    script.write_text("import sys; sys.modules['zoo'] = None\n" + "\n".join(BLOCKS))
    lines = warm.output_of(script).splitlines()
    assert [line for line in lines if line == "(5, 2)"] == ["(5, 2)"] * 4
    assert "y/kernel (4, 2)" in lines


def test_the_table_of_tolerances_is_that_of_the_check(zoo_root: Path) -> None:
    rows = re.findall(
        r"^\| (`keras`.*|`onnx`, `tflite`) \| (\S+) \| (\S+) \| (\S+) \|$", PAGE, re.M
    )
    assert len(rows) == 2
    (zoo_root / "m.toml").write_text(CONFIG)
    for kinds, *tolerances in rows:
        for precision, stated in zip(
            ("float32", "mixed_float16", "mixed_bfloat16"), tolerances, strict=True
        ):
            model = zoo.build("m.toml", {"train.precision": precision}, zoo=zoo_root)
            for kind in re.findall(r"`(\w+)`", kinds):
                tolerance, _ = export_check._tolerance(model, kind)
                np.testing.assert_allclose(tolerance, float(stated), rtol=0.05)


def test_the_page_names_every_format_and_its_suffix() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([.\w]+)`", PAGE, re.M)
    assert dict(rows) == SUFFIXES
