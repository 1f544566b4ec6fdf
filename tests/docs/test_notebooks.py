"""The notebooks hold what running them gives, and nothing of where they ran."""

from __future__ import annotations

import getpass
import importlib.util
import re
import socket
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
OF_A_MACHINE = re.compile(r"/(home|root|tmp|work|usr|Users|var|opt)/|[A-Z]:\\|\.venv|site-packages")
MOST_BYTES = 500_000


def cells(path: Path) -> list:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(outputs: list) -> str:
    """What outputs say, pictures left out."""
    said = [output.get("text", "") for output in outputs]
    for output in outputs:
        said += [str(v) for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return "\n".join(said)


def test_the_notebooks_are_two() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["localization", "quickstart"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestStored:
    """What lies in the repository."""

    def test_every_code_cell_was_run_in_order_and_has_an_output(self, path):
        assert [cell.execution_count for cell in cells(path)] == [
            number + 1 for number in range(len(cells(path)))
        ]
        assert [cell.source for cell in cells(path) if not cell.outputs] == []

    def test_nothing_failed_and_nothing_was_warned_of(self, path):
        outputs = [output for cell in cells(path) for output in cell.outputs]
        assert [output for output in outputs if output.output_type == "error"] == []
        assert [output.text for output in outputs if output.get("name") == "stderr"] == []
        assert "Warning" not in texts(outputs)

    def test_no_machine_and_no_person_is_in_it(self, path):
        notebook = nbformat.read(path, as_version=4)
        assert set(notebook.metadata) == {"kernelspec", "language_info"}
        assert notebook.metadata.language_info == {"name": "python"}
        assert [cell for cell in notebook.cells if cell.metadata] == []
        shown = "\n".join(texts(cell.outputs) for cell in cells(path))
        written = "\n".join(cell.source for cell in notebook.cells)
        assert OF_A_MACHINE.findall(shown + written) == []
        for name in (socket.gethostname(), getpass.getuser()):
            assert not re.search(rf"\b{re.escape(name)}\b", shown)

    def test_it_has_pictures_and_is_small(self, path):
        pictures = [
            output
            for cell in cells(path)
            for output in cell.outputs
            if "image/png" in output.get("data", {})
        ]
        assert len(pictures) >= 3
        assert path.stat().st_size < MOST_BYTES

    def test_its_links_lead_somewhere(self, path):
        notebook = nbformat.read(path, as_version=4)
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            assert (FOLDER / link).exists(), link


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_running_a_notebook_says_what_is_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nbclient")
    monkeypatch.delenv("ZOO_ROOT", raising=False)
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    notebook = execute.executed(path)
    again = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for stored, now in zip(cells(path), again, strict=True):
        assert [output.output_type for output in now.outputs] == [
            output.output_type for output in stored.outputs
        ]
        # Numbers may differ in their last digits from one processor to another.
        assert words(texts(now.outputs)) == words(texts(stored.outputs))
        numbers = zip(figures(now), figures(stored), strict=True)
        assert all(new == pytest.approx(old, rel=0.15, abs=0.02) for new, old in numbers)


def words(text: str) -> list[str]:
    return re.sub(r"\d+\.\d+(?!\.)", "#", text).split()


def figures(cell: object) -> list[float]:
    return [
        float(number) for number in re.findall(r"(?<![\d.@])\d+\.\d+(?!\.\d)", texts(cell.outputs))
    ]
