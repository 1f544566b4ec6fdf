"""Every block of code of every page is run, compared or checked, in whatever language it is."""

import ast
import importlib
import inspect
import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tomlkit

import zoo
from tests.docs.blocks import (
    LANGUAGES,
    MARKS,
    PAGES,
    ROOT,
    Block,
    blocks,
    is_run,
    is_whole_config,
    parsed,
    prose,
    spans,
)
from tests.docs.installed import a_zoo, install
from tests.docs.shell import (
    ALL_OPTIONS,
    COMMANDS,
    GROUP,
    PROGRAMS,
    calls,
    name_and_rest,
    options,
    zoo_calls,
)
from zoo.config import schema
from zoo.registry import document

# The Python of these pages is run as a whole, by tests of their own; of the Chinese ones it is the
# same up to comments, which another test holds.
RUN_AS_A_WHOLE = {
    "README.md": "tests/docs/test_readme.py",
    "README.zh.md": "tests/docs/test_from_the_2021_notes.py",
    "docs/export.md": "tests/docs/test_export_page.py",
    "docs/plugins.md": "tests/docs/test_plugins_page.py",
    "docs/localization.md": "tests/docs/test_localization_page.py",
    "docs/how-to/from-the-2021-notes.md": "tests/docs/test_from_the_2021_notes.py",
    "docs/how-to/from-the-2021-notes.zh.md": "tests/docs/test_from_the_2021_notes.py",
}
FRAGMENT = """
zoo = 1
name = "fragment"
inputs = [{ name = "x", shape = [4] }]
layers = [{ type = "Dense", units = 2 }]
loss = "mse"
"""
NOT_IN_A_FRAGMENT = {"unknown-node", "unbound-need", "unreachable-node", "unknown-model"}
OTHER_DOCUMENTS = {
    "registry.toml": set(document._Document.model_fields),
    "pyproject.toml": {"build-system", "project", "tool"},
    "a map of names": {"layout", "names"},
    "nothing but comments": set(),
}
ENTRIES_OF_THE_REGISTRY = {
    "models": document.ModelEntry,
    "plugins": document.PluginRequirement,
    "store": document.StoreTable,
    "weights": document.WeightsEntry,
}
CHECKOUT = re.compile(r"(models|docs|plugins|examples|tests|benchmarks|weights)/[\w./-]+$")
ALL_BLOCKS = [block for page in PAGES for block in blocks(page)]


def of_language(language: str) -> Any:
    """Makes a test one for each block of a language."""
    found = [block for block in ALL_BLOCKS if block.language == language]
    assert found
    return pytest.mark.parametrize("block", found, ids=lambda block: block.place)


@pytest.mark.parametrize("page", PAGES)
def test_every_fence_says_its_language_and_no_mark_is_astray(page: str) -> None:
    found, stray, text = parsed(page)
    assert [block.place for block in found if block.language not in LANGUAGES] == []
    assert [mark for mark in stray if mark[1] in MARKS] == []
    assert "```" not in text
    for block in found:
        assert set(block.marks) <= set(MARKS), block.place
        assert [word for word in ("not run", "not compared") if block.marks.get(word) == ""] == []


@of_language("toml")
def test_a_toml_block_is_a_config_or_a_part_of_a_known_document(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install(block.page, site, root)
    monkeypatch.syspath_prepend(str(site))
    table = tomllib.loads(block.text)
    if is_run(block.page) and set(block.marks) & {"file", "add to", "change in"}:
        return  # the page itself checks or trains it
    config = root / block.marks.get("file", "docs/block.toml")
    if is_whole_config(block):
        text, tolerated = block.text, set()
    elif set(table) & set(schema.ModelConfig.model_fields):
        text, tolerated = _completed(table), NOT_IN_A_FRAGMENT
    else:
        assert any(set(table) <= keys for keys in OTHER_DOCUMENTS.values()), set(table)
        _check_other(table)
        return
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text, encoding="utf-8")
    found = [finding for finding in zoo.check(config, zoo=root) if finding.code not in tolerated]
    if wrong := block.marks.get("wrong"):
        assert {finding.code for finding in found} == {wrong}
    else:
        assert found == [], block.place


def _completed(table: dict[str, Any]) -> str:
    base = {k: v for k, v in tomllib.loads(FRAGMENT).items() if k not in table}
    if "losses" in table:
        del base["loss"]
    return tomlkit.dumps({**base, **table})


def _check_other(table: dict[str, Any]) -> None:
    for key, model in ENTRIES_OF_THE_REGISTRY.items():
        if key in table:
            items = table[key] if isinstance(table[key], list) else [table[key]]
            for item in items:
                model.model_validate(item)
    for group, entries in table.get("project", {}).get("entry-points", {}).items():
        assert group in {f"zoo.{kind}" for kind in zoo_kinds()}
        assert all(re.fullmatch(r"[\w.]+(:\w+)?", target) for target in entries.values())


def zoo_kinds() -> Iterator[str]:
    from zoo.components import ARGUMENT_KINDS, KINDS, MODELS

    yield from (*KINDS, *ARGUMENT_KINDS, MODELS, "shapes")


@of_language("json")
def test_a_json_block_is_json(block: Block) -> None:
    json.loads(block.text)


@of_language("text")
def test_a_text_block_is_compared_with_what_is_printed(block: Block) -> None:
    if file := block.marks.get("tested by"):
        assert Path(block.page).name in (ROOT / file).read_text(encoding="utf-8")
    elif "output" in block.marks:
        assert is_run(block.page), f"{block.place}: nothing on the page is run"
    elif "tree" in block.marks:
        for line in block.text.splitlines():
            names = re.split(r"\s{2,}", line)[0].split(", ")
            folder = Path(names[0]).parent if "/" in names[0].rstrip("/") else Path()
            for name in names:
                path = Path(name) if name.startswith(f"{folder}/") else folder / name
                assert (ROOT / path).exists(), f"{block.place}: {path}"
    else:
        assert set(block.marks) & {"sample", "file", "not compared"}, block.place


@of_language("sh")
def test_a_shell_block_calls_programs_targets_and_files_that_exist(block: Block) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    written = {other.marks.get("file") for other in blocks(block.page)}
    for program, *words in calls(block.text):
        assert program in PROGRAMS or "run" in block.marks, f"{block.place}: {program}"
        if program == "make":
            assert {word for word in words if word[0] != "-" and "=" not in word} <= targets
        if "run" in block.marks:
            continue  # what is not there fails when it is run
        if program == "python" and words[0].endswith(".py"):
            assert words[0] in written or (ROOT / words[0]).exists(), f"{block.place}: {words[0]}"
        missing = [w for w in words if CHECKOUT.match(w) and not (ROOT / w).exists()]
        assert missing == [], f"{block.place}: {missing}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_that_a_page_names_exists(page: str) -> None:
    for words in zoo_calls(page):
        if words[0].startswith("-"):
            assert set(words[:1]) <= options(GROUP), words
            continue
        name, rest = name_and_rest(words)
        assert name in COMMANDS or name in GROUP.commands, words
        used = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        if name in COMMANDS:
            assert used <= options(COMMANDS[name]) | {"-h", "--help"}, words
    for span in spans(page):
        if re.match(r"--[a-z]", span):
            assert shlex.split(span)[0].rstrip(",") in ALL_OPTIONS | {"--help"}, span


@pytest.mark.parametrize("page", PAGES)
def test_every_extra_that_a_page_installs_exists(page: str) -> None:
    text = "\n".join([prose(page), *(b.text for b in blocks(page) if b.language == "sh")])
    for name, extras in re.findall(r"\b(zoo[\w-]*)\[([\w,]+)\]", text):
        folder = ROOT if name == "zoo" else ROOT / "plugins" / name.removeprefix("zoo-")
        if not folder.exists():
            continue  # a plugin that the page makes
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), (name, extras)


@of_language("python")
def test_a_python_block_is_run_and_all_that_it_names_exists(block: Block) -> None:
    compile(block.text, block.place, "exec")
    if not set(block.marks) & {"run", "file", "tested by", "not run"}:
        assert block.page in RUN_AS_A_WHOLE, block.place
    imported = dict(_imported(block))
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Attribute):
            _follow(node, imported, block.place)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            _check_keywords(node, imported, block.place)


@pytest.mark.parametrize(("page", "test"), RUN_AS_A_WHOLE.items())
def test_a_page_that_is_run_as_a_whole_has_its_test(page: str, test: str) -> None:
    assert Path(page).stem.replace(".zh", "") in (ROOT / test).read_text(encoding="utf-8")


def _imported(block: Block) -> Iterator[tuple[str, Any]]:
    """What the Python of the page has imported up to a block, by the names it has there."""
    page = [b for b in blocks(block.page) if b.language == "python" and b.line <= block.line]
    files = [Path(b.marks["file"]) for b in blocks(block.page) if "file" in b.marks]
    own = {part for file in files for part in (*file.parts, file.stem)}
    for node in (node for b in page for node in ast.walk(ast.parse(b.text))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if not (module := _module(node.module, own, block)):
                continue
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                there = hasattr(module, alias.name) or _module(whole, own, block)
                assert there, f"{block.place}: there is no {whole}"
                yield alias.asname or alias.name, getattr(module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if module := _module(alias.name, own, block):
                    top = sys.modules[alias.name.partition(".")[0]]
                    yield alias.asname or top.__name__, module if alias.asname else top


def _module(name: str, own: set[str], block: Block) -> ModuleType | None:
    if name.partition(".")[0] in own:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        # What a page makes itself is there when the page is run.
        allowed = "not run" in block.marks or is_run(block.page)
        assert allowed, f"{block.place}: there is no module {name}"
        return None


def _follow(node: ast.Attribute, imported: dict[str, Any], place: str) -> Any:
    """What a dotted name stands for, as far as it goes through modules."""
    value = (
        _follow(node.value, imported, place)
        if isinstance(node.value, ast.Attribute)
        else imported.get(getattr(node.value, "id", ""))
    )
    if not isinstance(value, ModuleType):
        return None
    assert hasattr(value, node.attr), f"{place}: {value.__name__} has no {node.attr}"
    return getattr(value, node.attr)


def _check_keywords(call: ast.Call, imported: dict[str, Any], place: str) -> None:
    assert isinstance(call.func, ast.Attribute)
    function = _follow(call.func, imported, place)
    if getattr(function, "__module__", "").partition(".")[0] == "zoo":
        taken = set(inspect.signature(function).parameters)
        assert {k.arg for k in call.keywords if k.arg} <= taken, f"{place}: {function.__name__}"


@pytest.mark.parametrize(
    "block",
    [
        block
        for block in ALL_BLOCKS
        if block.marks.get("file", "").endswith(".py")
        and not is_run(block.page)
        and block.page not in RUN_AS_A_WHOLE
        and "tested by" not in block.marks
    ],
    ids=lambda block: block.place,
)
def test_a_module_that_a_page_shows_can_be_imported(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block.text, block.place, "exec"), {"__name__": Path(block.marks["file"]).stem})


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_of_a_page_resolves(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert target.resolve().is_relative_to(ROOT), link
        if anchor:
            assert anchor in _anchors(target), link


def _anchors(file: Path) -> set[str]:
    text = prose(str(file.resolve().relative_to(ROOT)))
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
