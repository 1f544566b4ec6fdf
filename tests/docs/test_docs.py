"""The documentation says what the code does: its configs, commands, links and codes are real."""

import ast
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import zoo
from zoo.cli.main import app
from zoo.components import ARGUMENT_KINDS, KINDS, MODELS
from zoo.config import compose, reader, schema
from zoo.errors import CLASS_OF_CODE, ZooError

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + [
    str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md"))
]
GROUP = typer.main.get_command(app)


def _commands(group, above: str = "") -> dict:
    """Every command by its words: `list`, `new plugin`."""
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, f"{above}{name} ")
        else:
            found[f"{above}{name}"] = command
    return found


COMMANDS = _commands(GROUP)

_PLACE_OF_THE_CODE = {"Finding": 0, "say": 0, "warn": 0, "_wrong": 0, "refused": 1}
"""Among the arguments of the functions that make an error; in an exception it is the second."""

_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block, and what the comment above it says that it is."""

    language: str
    text: str
    mark: str


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    found = _BLOCK.finditer(read(page))
    return [Block(match["language"], match["text"], match["mark"] or "") for match in found]


def prose(page: str) -> str:
    return _BLOCK.sub("", read(page))


def spans(page: str) -> list[str]:
    return [span.replace("\\|", "|") for span in _SPAN.findall(prose(page))]


def is_whole_config(block: Block) -> bool:
    return block.language == "toml" and re.search(r"^zoo = ", block.text, re.M) is not None


def command_lines(page: str) -> Iterator[str]:
    for block in blocks(page):
        if block.language == "sh":
            yield from (line for line in block.text.splitlines() if line.startswith("zoo "))
    yield from (span for span in spans(page) if re.match(r"zoo [a-z]", span))


def a_zoo(folder: Path) -> Path:
    folder.mkdir()
    (folder / "registry.toml").write_text("format = 1\n", encoding="utf-8")
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("runs"))
    return folder


def install(page: str, site: Path, into: Path) -> None:
    """Writes the files that a page shows, and the metadata that `pip install` would."""
    metadata = site / "my_losses-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    groups: dict[str, dict[str, str]] = {}
    for block in blocks(page):
        kind, _, name = block.mark.partition(": ")
        if kind == "file":
            folder = site if name.startswith("my_") else into
            (folder / name).write_text(block.text, encoding="utf-8")
        elif kind == "entry points":
            groups |= tomllib.loads(block.text)["project"]["entry-points"]
    lines = [
        line
        for group, entries in groups.items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in entries.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")


def run_python(script: str, folder: Path, site: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site), "TF_CPP_MIN_LOG_LEVEL": "3", "ZOO_ROOT": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_whole_config_of_a_page_passes_the_check(page: str, tmp_path: Path) -> None:
    root = a_zoo(tmp_path / "zoo")
    (root / "docs").mkdir()
    for number, block in enumerate(blocks(page)):
        if is_whole_config(block) and not block.mark:
            file = root / "docs" / f"{number}.toml"
            file.write_text(block.text, encoding="utf-8")
            assert zoo.check(file, zoo=root) == [], block.text


@pytest.mark.parametrize("page", PAGES)
def test_every_other_toml_block_of_a_page_is_toml(page: str) -> None:
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize("file", sorted((ROOT / "models").glob("*.toml")), ids=lambda f: f.name)
def test_every_general_model_passes_the_check_without_plugins(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "1")
    root = a_zoo(tmp_path / "zoo")
    assert zoo.check(root / "models" / file.name, zoo=root) == []


def test_the_readme_has_nothing_before_sentence_picture_commands_config_and_plugin() -> None:
    text = read("README.md")
    order = ["A model zoo for Keras", "way.svg", "make train", "make test", "zoo = 1", "entry-po"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert places[0] == 0


def test_the_python_and_the_plugin_of_the_readme_run(tmp_path: Path) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install("README.md", site, root)
    (root / "weighted.toml").write_text(
        'zoo = 1\nname = "weighted"\nloss = "my_weighted_mse"\n'
        'inputs = [{ name = "x", shape = [3] }, { name = "weights", shape = [2] }]\n'
        'layers = [{ name = "y", type = "Dense", inputs = "x", units = 2 }]\n',
        encoding="utf-8",
    )
    own = [b.text for b in blocks("README.md") if b.language == "python" and not b.mark]
    losses = (
        "import numpy as np\n"
        "model = zoo.build('weighted.toml')\n"
        "x, w = np.ones((2, 3), 'float32'), np.array([[1, 0], [0, 3]], 'float32')\n"
        "data = {'x': x, 'weights': w}\n"
        "y = np.asarray(model(data)) + np.array([[1, 5], [5, 2]], 'float32')\n"
        "print(float(model.evaluate(data, y, verbose=0)))\n"
    )
    said = run_python("\n".join([*own, losses]), root, site).splitlines()
    assert "mlp-synthetic@1.0.0" in said[-2]
    # By hand: the mean of 1 * 1, 0 * 25, 0 * 25 and 3 * 4.
    assert float(said[-1]) == pytest.approx(13 / 4, rel=1e-5)


TUTORIAL = """
import json, pathlib, runpy
import zoo
from typer.testing import CliRunner
from zoo.cli.main import app
runpy.run_path("make_data.py")
said = {"published": zoo.train("model.toml", {"train.epochs": 1}).publish().reference}
import test_my_losses
test_my_losses.test_the_loss_keeps_every_rule()
config = pathlib.Path("model.toml").read_text()
pathlib.Path("other.toml").write_text(config.replace('"confidence"', '"trust"'))
try:
    zoo.build("other.toml")
except zoo.ConfigError as error:
    said["unbound"] = str(error).splitlines()[0]
run = zoo.train("waves.toml")
said["loss"] = run.history["loss"]
asked = [["evaluate", str(run.folder)], ["show", "confident@1"], ["show", "confident_mse"]]
said["answers"] = [json.loads(CliRunner().invoke(app, [*a, "--json"]).stdout) for a in asked]
print(json.dumps(said))
"""


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install("docs/plugins.md", site, root)
    said = json.loads(run_python(TUTORIAL, root, site).splitlines()[-1])
    evaluated, version, component = said["answers"]
    assert said["published"] == "confident@1.0.0"
    assert version["plugins"] == {"my-losses": "0.1.0"}
    assert component["arguments"]["power"] == "1.0"
    assert said["unbound"].replace("features, trust", "features") in read("docs/plugins.md")
    assert len(said["loss"]) == 2
    assert evaluated["results"]["worst"]["worst"] > 0.0


def test_the_tutorials_models_are_ok_though_only_the_loss_takes_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install("docs/plugins.md", site, root)
    monkeypatch.syspath_prepend(str(site))
    assert zoo.check(root / "model.toml", zoo=root) == []
    assert zoo.check(root / "waves.toml", zoo=root) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_a_page_names_exists(page: str) -> None:
    for line in command_lines(page):
        name, rest = _name_and_rest(line)
        assert name in COMMANDS, line
        known = {option for p in COMMANDS[name].params for option in p.opts}
        used = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert used <= known, line
    everywhere = {option for c in COMMANDS.values() for p in c.params for option in p.opts}
    for span in spans(page):
        if re.match(r"--[a-z]", span):
            assert shlex.split(span)[0].rstrip(",") in everywhere, span


def _name_and_rest(line: str) -> tuple[str, list[str]]:
    words = shlex.split(line, comments=True)[1:]
    count = 2 if " ".join(words[:2]) in COMMANDS else 1
    return " ".join(words[:count]), words[count:]


def test_every_command_that_there_is_stands_in_the_readme() -> None:
    named = {_name_and_rest(line)[0] for line in command_lines("README.md")}
    assert named == set(COMMANDS)


@pytest.mark.parametrize("line", [line for line in command_lines("docs/config.md") if "=" in line])
def test_every_override_of_the_config_page_passes_the_check(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "KEY=VALUE" in line or "FILE" in line:
        pytest.skip("a pattern, not an example")
    monkeypatch.chdir(a_zoo(tmp_path / "zoo"))
    done = CliRunner().invoke(app, shlex.split(line)[1:])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_of_a_page_resolves(page: str) -> None:
    for link in _LINK.findall(prose(page)):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def _anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_config_page_names_every_error_code_and_no_other() -> None:
    table = read("docs/config.md").partition("| code |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    documented = {code for cell in cells for code in _SPAN.findall(cell)}
    assert documented - set(_codes_in_the_source()) == set()
    assert set(_codes_in_the_source()) - documented == set()


def _codes_in_the_source() -> Iterator[str]:
    word = re.compile(r"[a-z]+(-[a-z]+)*")
    for file in (ROOT / "zoo").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            place = _PLACE_OF_THE_CODE.get(name, 1 if "Error" in name else None)
            for index, argument in enumerate(call.args):
                texts = [n.value for n in ast.walk(argument) if isinstance(n, ast.Constant)]
                for text in (t for t in texts if isinstance(t, str) and word.fullmatch(t)):
                    if index == place or text in CLASS_OF_CODE:
                        yield text
    yield from _default_codes(ZooError)


def _default_codes(error: type[ZooError]) -> Iterator[str]:
    yield error.default_code
    for child in error.__subclasses__():
        yield from _default_codes(child)


def test_the_config_page_names_every_key() -> None:
    named = set(spans("docs/config.md"))
    tables = (schema.ModelConfig, schema.InputTable, schema.LayerTable, schema.TrainTable)
    keys = {key for table in tables for key in table.model_fields}
    assert keys - named == set()
    defaults = {"epochs": "1", "batch_size": "32", "steps_per_execution": "1", "seed": "0"}
    train = schema.TrainTable()
    assert {key: str(getattr(train, key)) for key in defaults} == defaults
    for key, value in defaults.items():
        assert f"| `{key}` | `{value}` |" in read("docs/config.md")


@pytest.mark.parametrize("name", ["npz", "csv", "synthetic"])
def test_the_config_page_names_every_argument_of_the_cores_datasets(name: str) -> None:
    from zoo.builtin import datasets

    text = read("docs/config.md")
    section = re.split(rf"^\*\*`{name}`\*\*", text, flags=re.M)[1].partition("\n\n")[0]
    for parameter in inspect.signature(getattr(datasets, name)).parameters.values():
        if parameter.name in ("validation_split", "test_split") and name == "csv":
            continue  # "and the two splits"
        assert f"`{parameter.name}" in section, parameter.name
        if isinstance(parameter.default, int | float):
            assert f"`{parameter.name} = {parameter.default}`" in section, parameter.name


def test_the_config_page_names_the_limits() -> None:
    limits = read("docs/config.md").partition("## Limits")[2].replace("\n", " ")
    assert f"{reader.MAX_BYTES // 2**20} MiB" in limits
    assert f"{reader.MAX_NESTING} nested brackets" in limits
    assert f"{reader.MAX_KEY_PARTS} parts" in limits
    assert f"{schema.MAX_NODES:,} layers" in limits
    assert f"at most {compose.MAX_EXTENDS} configs" in limits


def test_the_plugin_page_names_every_group() -> None:
    table = read("docs/plugins.md").partition("### Kinds")[2].partition("###")[0]
    groups = {f"zoo.{kind}" for kind in (*KINDS, *ARGUMENT_KINDS, MODELS)}
    assert {span for span in _SPAN.findall(table) if span.startswith("zoo.")} == groups


def test_the_plugin_page_names_every_rule_of_the_kit() -> None:
    from zoo import testing

    table = read("docs/plugins.md").partition("### Testing")[2].partition("- Where samples")[0]
    rows = [row.split("|")[1:4] for row in table.splitlines() if row.startswith("| ")][1:]
    said = {
        kind.strip(): (_SPAN.findall(given), _SPAN.findall(rules)) for kind, given, rules in rows
    }
    assert set(said) == set(KINDS)
    for kind, (given, rules) in said.items():
        assert rules == [rule.name for rule in getattr(testing, kind).RULES], kind
        assert set(given) == testing.TAKEN[kind], kind


def test_the_plugin_page_shows_what_the_kit_says_of_a_scalar_loss() -> None:
    import keras
    from keras import ops

    from zoo.testing import check_component

    class ConfidentMSE(keras.losses.Loss):
        def call(self, y_true, y_pred, confidence):
            return ops.mean(confidence * ops.square(y_true - y_pred))

    (shown,) = [b for b in blocks("docs/plugins.md") if b.mark == "the kit on a scalar loss"]
    keras.saving.register_keras_serializable(package="scalar")(ConfidentMSE)
    with pytest.raises(AssertionError) as caught:
        check_component(ConfidentMSE, y_pred=(2,), needs={"confidence": (2,)})
    assert str(caught.value).startswith(shown.text.strip())


def test_contributing_says_what_every_dependency_is_for() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    table = read("CONTRIBUTING.md").partition("## Dependencies")[2].partition("\n## ")[0]
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {name for cell in first for name in _SPAN.findall(cell)}
    assert named == {re.split(r"[><=\[;]", name)[0] for name in wanted}
