"""From what a user names to the config that is meant, and the workspace that looks for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import find_components
from zoo.errors import ConfigError, PluginError, RegistryError, StorageError, ZooError
from zoo.registry.document import read_registry
from zoo.registry.root import known_root
from zoo.runs import Run
from zoo.sources import find_model, looks_like_a_path, model_sources, path_source
from zoo.workspace import Workspace

Make = Callable[..., Path]
Write = Callable[..., Path]
Tiny = Callable[..., str]

NOTHING = Catalog([])


def shipped(make: Make, name: str = "zoo-extra", **options: str) -> Catalog:
    package = name.replace("-", "_")
    make(
        name,
        {"zoo.models": {"tiny": f"{package}.models"}},
        {
            f"{package}/__init__.py": "raise RuntimeError('imported')\n",
            f"{package}/models/tiny.toml": "zoo = 1\n",
        },
        **options,
    )
    return find_components(disabled="")


def refused(error: type[ZooError], call: Callable[[], object]) -> tuple[str, str, str | None]:
    with pytest.raises(error) as info:
        call()
    (finding,) = info.value.findings
    return finding.code, finding.message, finding.suggestion


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("model.toml", True),
        ("models/tiny", True),
        ("models\\tiny", True),
        ("there", True),
        ("tiny", False),
        ("tiny@1", False),
    ],
)
def test_a_path_looks_like_one_or_is_there(zoo_root: Path, text: str, path: bool) -> None:
    (zoo_root / "there").touch()
    assert looks_like_a_path(text) is path


def test_a_config_inside_the_zoo_may_use_all_of_it(zoo_root: Path) -> None:
    source = path_source("models/m.toml", zoo_root)
    assert source.path == zoo_root / "models" / "m.toml"
    assert (source.root, source.origin, source.resolved) == (zoo_root, "models/m.toml", False)


def test_a_config_outside_of_it_may_use_its_own_folder(zoo_root: Path, tmp_path: Path) -> None:
    for root in (zoo_root, None):
        source = path_source(str(tmp_path / "m.toml"), root)
        assert (source.root, source.origin) == (tmp_path, "")


def test_a_link_out_of_the_zoo_is_outside(zoo_root: Path, tmp_path: Path) -> None:
    (tmp_path / "m.toml").touch()
    (zoo_root / "m.toml").symlink_to(tmp_path / "m.toml")
    assert path_source("m.toml", zoo_root).origin == ""


def test_the_config_that_a_version_keeps_is_a_resolved_one(zoo_root: Path) -> None:
    source = path_source("weights/tiny/1.0.0.toml", zoo_root)
    assert (source.resolved, source.folder) == (True, zoo_root)


def test_the_config_that_a_run_keeps_is_a_resolved_one(zoo_root: Path, tmp_path: Path) -> None:
    run = Run(zoo_root / "runs" / "tiny" / "1")
    run.folder.mkdir(parents=True)
    run.write_facts(root=str(tmp_path))
    source = path_source(str(run.config_path), zoo_root)
    assert (source.resolved, source.root, source.folder) == (True, tmp_path, tmp_path)
    assert not path_source(str(run.folder / "other.toml"), zoo_root).resolved


def test_a_model_that_a_plugin_ships_is_found_by_both_names(make_distribution: Make) -> None:
    catalog = shipped(make_distribution)
    for name in ("tiny", "zoo-extra/tiny"):
        source = find_model(name, catalog, None)
        assert (source.path.name, source.root.name) == ("tiny.toml", "models")
        assert source.origin == "zoo-extra/tiny"


def test_the_registrys_own_entry_comes_first(make_distribution: Make, zoo_root: Path) -> None:
    catalog = shipped(make_distribution)
    entry = '[[models]]\nname = "{}"\nconfig = "{}"\n'
    (zoo_root / "registry.toml").write_text(
        "format = 1\n"
        + entry.format("tiny", "models/own.toml")
        + entry.format("two", "zoo-extra/tiny")
    )
    registry = read_registry(zoo_root)
    own, plugins = find_model("tiny", catalog, registry), find_model("two", catalog, registry)
    assert own.path == zoo_root / "models" / "own.toml"
    assert (own.root, own.origin) == (zoo_root, "models/own.toml")
    assert plugins.origin == "zoo-extra/tiny"
    assert model_sources(catalog, registry) | {"more": ""} == {
        **model_sources(catalog, None),
        "tiny": "models/own.toml",
        "two": "zoo-extra/tiny",
        "more": "",
    }


def test_an_unknown_model_suggests_the_right_one(make_distribution: Make) -> None:
    catalog = shipped(make_distribution)
    assert refused(RegistryError, lambda: find_model("tinny", catalog, None)) == (
        "unknown-model",
        "there is no model 'tinny'",
        'did you mean "tiny"?',
    )
    assert refused(RegistryError, lambda: find_model("tinny", NOTHING, None))[2] == (
        "`zoo list models` shows all"
    )


def test_a_config_that_the_registry_does_not_name_goes_by_its_path(
    zoo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zoo_root / "models").mkdir()
    (zoo_root / "models" / "load.toml").touch()
    registry = read_registry(zoo_root)
    assert refused(RegistryError, lambda: find_model("load", NOTHING, registry)) == (
        "unknown-model",
        "there is no model 'load'",
        "registry.toml does not name it: use its path, models/load.toml",
    )
    monkeypatch.chdir(zoo_root / "models")
    hint = refused(RegistryError, lambda: find_model("load", NOTHING, registry))[2]
    assert hint == "registry.toml does not name it: use its path, load.toml"


def test_a_model_may_be_of_a_plugin_that_is_missing(
    make_distribution: Make, zoo_root: Path
) -> None:
    catalog = shipped(make_distribution)
    text = 'format = 1\n[[plugins]]\nname = "zoo-gone"\nrequires = ">=1"\n'
    (zoo_root / "registry.toml").write_text(text)
    registry = read_registry(zoo_root)
    missing = "zoo-gone may have it, which this zoo names: pip install 'zoo-gone>=1'"
    for name, hint in (("tinny", f'did you mean "tiny"? or {missing}'), ("sea", missing)):
        assert refused(RegistryError, lambda name=name: find_model(name, catalog, registry)) == (  # type: ignore[misc]
            "unknown-model",
            f"there is no model {name!r}",
            hint,
        )


def test_a_model_that_two_plugins_ship_is_ambiguous(make_distribution: Make) -> None:
    shipped(make_distribution)
    catalog = shipped(make_distribution, "zoo-more")
    code, message, _ = refused(ConfigError, lambda: find_model("tiny", catalog, None))
    assert code == "ambiguous-component"
    assert message == '"tiny" is registered by zoo-extra and zoo-more'
    assert find_model("zoo-more/tiny", catalog, None).origin == "zoo-more/tiny"


def test_a_plugin_that_the_registry_names_and_that_is_not_there_is_missing(zoo_root: Path) -> None:
    (zoo_root / "registry.toml").write_text(
        'format = 1\n[[models]]\nname = "tiny"\nconfig = "zoo-gone/tiny"\n'
    )
    registry = read_registry(zoo_root)
    assert refused(PluginError, lambda: find_model("tiny", NOTHING, registry)) == (
        "plugin-missing",
        "the registry takes this model from zoo-gone, which does not ship it here",
        "pip install zoo-gone",
    )


@pytest.mark.parametrize("target", ["zoo_extra.models", "zoo_extra"])
def test_a_plugin_that_does_not_have_the_file_it_names_is_incomplete(
    make_distribution: Make, target: str
) -> None:
    modules = {"zoo_extra/__init__.py": "", "zoo_extra/models/other.toml": ""}
    make_distribution("zoo-extra", {"zoo.models": {"tiny": target}}, modules)
    catalog = find_components(disabled="")
    assert refused(StorageError, lambda: find_model("tiny", catalog, None)) == (
        "storage",
        f"zoo-extra does not have tiny.toml in {target}, as it says",
        "reinstall zoo-extra",
    )


class TestWorkspace:
    """The catalog, and the zoo at hand."""

    def test_it_finds_the_zoo_around_it(self, zoo_root: Path) -> None:
        workspace = Workspace()
        assert workspace.root == zoo_root
        assert workspace.known_registry is workspace.registry
        assert workspace.catalog.find("layers", "Dense").name == "Dense"

    def test_a_zoo_that_is_named_is_found_from_anywhere(
        self, zoo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert known_root(zoo_root) == zoo_root
        assert refused(RegistryError, lambda: known_root(tmp_path))[1] == (
            f"{tmp_path} has no registry.toml"
        )

    def test_without_a_zoo_there_is_no_registry(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ZOO_ROOT", raising=False)
        monkeypatch.chdir(tmp_path)
        workspace = Workspace()
        assert workspace.root is None
        assert workspace.registry is None
        code, message, _ = refused(RegistryError, lambda: workspace.known_registry)
        assert (code, message) == ("bad-registry", "there is no registry.toml here or above")

    def test_a_config_needs_no_zoo(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Tiny
    ) -> None:
        monkeypatch.delenv("ZOO_ROOT", raising=False)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "m.toml").write_text(tiny())
        assert Workspace().check("m.toml").usable.source.root == tmp_path

    def test_a_models_name_or_a_path_may_be_checked(
        self, zoo_root: Path, write_config: Write, tiny: Tiny
    ) -> None:
        write_config(tiny(), "models/own.toml")
        (zoo_root / "registry.toml").write_text(
            'format = 1\n[[models]]\nname = "own"\nconfig = "models/own.toml"\n'
        )
        assert Workspace().check("own").usable.name == "tiny"
        assert Workspace().check("models/own.toml", {"name": "other"}).usable.name == "other"

    def test_a_name_that_is_unknown_is_a_finding_with_the_name_as_its_file(
        self, zoo_root: Path
    ) -> None:
        (finding,) = Workspace().check("owm").findings
        assert (finding.code, finding.file) == ("unknown-model", "owm")

    def test_a_config_may_extend_a_model_by_its_name(
        self, make_distribution: Make, zoo_root: Path, write_config: Write, tiny: Tiny
    ) -> None:
        make_distribution(
            "zoo-extra",
            {"zoo.models": {"shipped": "zoo_extra"}},
            {"zoo_extra/__init__.py": "", "zoo_extra/shipped.toml": tiny()},
        )
        path = write_config('extends = "shipped"\n[[layers]]\nname = "last"\nunits = 3\n')
        last = Workspace().check(path).usable.nodes[-1].part
        assert last is not None
        assert last.arguments == {"units": 3}

    def test_a_damaged_registry_does_not_hinder_the_check_of_a_file(
        self, zoo_root: Path, write_config: Write, tiny: Tiny
    ) -> None:
        (zoo_root / "registry.toml").write_text("format = \n")
        assert Workspace().check(write_config(tiny())).findings == []
        found = Workspace().check(write_config(tiny("", '[[layers]]\ntype = "zoo:m@1"\n'))).findings
        registry = str(zoo_root / "registry.toml")
        assert [(f.code, f.file, f.line, f.key) for f in found] == [("syntax", registry, 1, None)]
