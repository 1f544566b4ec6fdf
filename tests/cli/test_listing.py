"""What a person reads of models and versions: whose they are, and what they reached."""

import json
from pathlib import Path


def test_models_are_listed_with_whose_they_are(cli, tiny: Path, make_distribution) -> None:
    make_distribution(
        "zoo-shipping",
        {"zoo.models": {"shipped": "shipping:shipped.toml"}},
        {"shipping/__init__.py": "", "shipping/shipped.toml": tiny.read_text()},
    )
    registry = tiny.with_name("registry.toml")
    registry.write_text(f'{registry.read_text()}[[models]]\nname = "tiny"\nconfig = "tiny.toml"\n')
    rows = [line.split() for line in cli("list", "models").out.splitlines()]
    assert rows[0] == ["name", "latest", "versions", "from", "description"]
    whose = {row[0]: " ".join(row[3:5]) for row in rows[1:]}
    assert whose["shipped"].split()[0] == "zoo-shipping"
    assert whose["tiny"] == "this zoo"
    assert all("from" not in row for row in cli("list", "models", "--json").document)


def test_the_metrics_of_a_version_are_shown_in_four_digits(cli, published, zoo_root: Path) -> None:
    (history,) = zoo_root.glob("runs/tiny/*/history.json")
    last = {k: v[-1] for k, v in json.loads(history.read_text()).items()}
    (line,) = (x for x in cli("show", "tiny@1").out.splitlines() if x.startswith("metrics"))
    assert line.split() == ["metrics", *(w for k, v in last.items() for w in (k, f"{v:.4g}"))]
    assert cli("show", "tiny@1", "--json").document["metrics"] == last
