"""The card of a version: what a person wants to know before they load it."""

import tomllib
from pathlib import Path

import pytest

import zoo
from tests.candidates import a_candidate
from zoo.registry.document import read_registry
from zoo.registry.publishing import publish
from zoo.report import card as cards

pytestmark = pytest.mark.usefixtures("no_run_report")


@pytest.fixture
def described(cli, published: str, zoo_root: Path) -> str:
    """A version of a model of which the registry says more."""
    file = zoo_root / "registry.toml"
    more = 'license = "MIT"\nlimits = "Not for <b>rain</b> | snow."\ntags = ["toy", "dense"]\n'
    before, line, after = file.read_text().partition('description = "Two numbers from four."\n')
    file.write_text(f"{before}{line}{more}{after}")
    cli("verify", "--accept-edits")
    return published


def rows(card: str, section: str) -> dict[str, str]:
    body = card.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
    return {line[0]: line[-1] for line in lines}


def test_a_card_says_what_the_registry_and_the_config_say(cli, described, zoo_root) -> None:
    card = cli("show", described, "--card").out
    entry = tomllib.loads((zoo_root / "registry.toml").read_text())["weights"][0]
    assert card.startswith("# tiny@1.0.0\n\nTwo numbers from four.\n")
    assert "| licence | MIT |" in card
    assert "| tags | toy, dense |" in card
    assert "Not for <b>rain</b> | snow." in card
    assert rows(card, "Metrics")["val_loss"] == f"{entry['metrics']['val_loss']:.6g}"
    assert rows(card, "Graph")["hidden"] == str(4 * 3 + 3)
    assert rows(card, "Data")["samples"] == "`16`"
    assert rows(card, "Training")["epochs"] == "`2`"
    assert f"| parameters | {4 * 3 + 3 + 3 * 2 + 2} |" in card
    assert rows(card, "Provenance")["sha256"] == entry["sha256"]


def test_the_lines_that_load_it_load_it(cli, described) -> None:
    card = cli("show", described, "--card").out
    code = card.partition("```python\n")[2].partition("```")[0]
    names: dict = {"x": [[0.0] * 4]}
    exec(code.replace("x)", "__import__('numpy').array(x))"), names)
    assert names["y"].shape == (1, 2)
    assert names["model"].count_params() == zoo.load(described).count_params()


def test_a_model_of_several_inputs_is_given_them_by_name(zoo_root) -> None:
    entry = publish(zoo_root, a_candidate())
    config = {"inputs": [{"name": "kg"}, {"name": "mean"}]}
    assert 'y = model.predict({"kg": kg, "mean": mean})' in cards.card(
        read_registry(zoo_root), entry, config, ()
    )


def test_a_model_s_card_is_that_of_its_newest_version_also_as_json(cli, described) -> None:
    document = cli("show", "tiny", "--card", "--json").document
    assert document["version"] == "1.0.0"
    assert document["card"].startswith("# tiny@1.0.0\n")


def test_what_nobody_wrote_down_is_not_made_up(cli, published) -> None:
    card = cli("show", published, "--card").out
    assert "| licence | not stated |" in card
    assert "Nobody has written any down" in card


def test_a_card_needs_a_version(cli, tiny) -> None:
    assert "the zoo has no model 'tiny'" in cli("show", "tiny", "--card", status=3).err
    assert "the zoo has no model 'Dense'" in cli("show", "Dense", "--card", status=3).err


def test_without_a_plugin_the_graph_is_what_the_weights_keep_of_it(
    cli, tiny, zoo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("zoo_diagnostics")
    tiny.write_text(tiny.read_text() + '[[metrics]]\ntype = "PSNR"\nmaxi = 1.0\n')
    name = cli("train", tiny, "--publish", "--json", "-q").document["published"]
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-diagnostics")
    card = cli("show", name, "--card").out
    assert (rows(card, "Graph")["hidden"], rows(card, "Graph")["y"]) == ("15", "8")
    assert rows(card, "Training")["epochs"] == "`2`"
    file = zoo_root / "weights/tiny/1.0.0.safetensors"
    file.write_bytes(file.read_bytes().replace(b"hidden", b"herded"))
    card = cli("show", name, "--card").out
    assert "a plugin that it is made of is missing, and its weights are not here" in card
    assert "herded" not in card


def test_a_tag_that_could_not_be_filtered_by_is_refused_with_its_line(
    cli, published: str, zoo_root: Path
) -> None:
    file = zoo_root / "registry.toml"
    line = 'description = "Two numbers from four."\n'
    file.write_text(file.read_text().replace(line, f'{line}tags = ["toy", "not so"]\n'))
    number = file.read_text().splitlines().index('tags = ["toy", "not so"]') + 1
    said = cli("verify", "--accept-edits", status=3).err
    assert "tags" in said
    assert f"registry.toml:{number}:" in said
