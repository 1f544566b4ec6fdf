"""The start-up benchmark runs, and writes what it prints."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "startup.py"


@pytest.mark.slow
def test_every_row_of_the_table_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("startup", FILE)
    assert spec is not None
    assert spec.loader is not None
    startup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(startup)
    for name, value in (
        ("ROUNDS", 1),
        ("PEER_ROUNDS", 1),
        ("PEERS", {}),
        ("NODES", (10, 20)),
        ("DISTRIBUTIONS", 10),
    ):
        monkeypatch.setattr(startup, name, value)
    results = tmp_path / "results.json"
    monkeypatch.setattr(sys, "argv", ["startup.py", str(results)])
    startup.main()
    tables = json.loads(results.read_text())
    assert {"import typer and Pydantic", "zoo list", "zoo check model.toml"} <= set(
        tables["start-up"]
    )
    assert {"zoo", "entrypoints.get_group_all", "importlib.metadata"} <= set(tables["discovery"])
    assert list(tables["nodes"]) == ["10", "20"]
    assert all(seconds > 0 for table in tables.values() for seconds in table.values())
    printed = capsys.readouterr().out
    assert all(label in printed for table in tables.values() for label in table)
