"""`zoo schema`: printed, or written where editors look for it."""

import json
from pathlib import Path
from typing import Any


def test_the_schema_is_printed_as_one_document(cli: Any) -> None:
    printed = cli("schema")
    assert json.loads(printed.out)["properties"]["zoo"]["const"] == 1
    assert cli("schema", "--json").document == json.loads(printed.out)
    assert printed.err == ""


def test_it_is_written_below_the_zoo_or_where_one_says(cli: Any, zoo_root: Path) -> None:
    (zoo_root / "models").mkdir()
    document = cli("schema", "--write", "--zoo", zoo_root, "--json").document
    file = zoo_root / ".zoo" / "schema.json"
    assert document["file"] == str(file)
    assert "Loc_by_1D" in file.read_text()
    assert cli("schema", "--write", "other.json").out == "wrote other.json\n"
    assert (zoo_root / "other.json").read_bytes() == file.read_bytes()
    assert {path.name for path in zoo_root.rglob("*.json")} == {"schema.json", "other.json"}


def test_without_a_zoo_it_has_to_be_told_where(cli: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "no registry.toml here or above" in cli("schema", "--write", status=3).err
    wrong = cli("schema", "x.json", status=2)
    assert "zoo schema --write x.json" in wrong.err
    assert list((tmp_path / "elsewhere").iterdir()) == []
