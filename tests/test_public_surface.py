"""What `import zoo` gives, which scripts that nobody here wrote rely on."""

import inspect
from pathlib import Path

import pytest

import zoo

FUNCTIONS = {"build", "check", "custom_objects", "discover", "load", "open_registry", "train"}
ERRORS = {
    "ConfigError",
    "PluginError",
    "RegistryError",
    "RunError",
    "Stopped",
    "StorageError",
    "ZooError",
}


def test_the_public_surface_is_this_list() -> None:
    assert set(zoo.__all__) == FUNCTIONS | ERRORS | {"Finding", "__version__"}


def test_the_list_is_sorted_and_each_name_is_there() -> None:
    assert zoo.__all__ == sorted(zoo.__all__)
    assert all(hasattr(zoo, name) for name in zoo.__all__)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_public_function_says_what_it_does_and_is_annotated(name: str) -> None:
    function = getattr(zoo, name)
    signature = inspect.signature(function)
    assert function.__doc__.splitlines()[0].endswith(".")
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not p.empty for p in signature.parameters.values())


@pytest.mark.parametrize("name", ["build", "check", "train"])
def test_overrides_may_stand_second_or_by_name(name: str) -> None:
    assert list(inspect.signature(getattr(zoo, name)).parameters)[:2] == ["file", "overrides"]


def test_the_version_is_that_of_the_distribution() -> None:
    pyproject = Path(__file__).resolve().parents[1] / "pyproject.toml"
    assert f'\nversion = "{zoo.__version__}"\n' in pyproject.read_text()


def test_check_gives_the_findings_and_none_for_a_config_that_is_right(zoo_root: Path) -> None:
    config = zoo_root / "model.toml"
    config.write_text(
        'zoo = 1\nname = "tiny"\n[[inputs]]\nname = "x"\nshape = [8]\n'
        '[[layers]]\ntype = "Dense"\nunits = 1\n'
    )
    assert zoo.check(config) == []
    assert [finding.code for finding in zoo.check(config, {"zoo": 2})] == ["bad-value"]


def test_discover_gives_the_catalog_and_open_registry_the_registry(zoo_root: Path) -> None:
    assert zoo.discover().find("layers", "Dense").target == "keras.layers:Dense"
    assert zoo.open_registry().root == zoo_root
    assert zoo.open_registry(zoo_root).weights == ()


def test_opening_a_registry_where_there_is_none_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOO_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        zoo.RegistryError, match=r"there is no registry\.toml here or above"
    ) as info:
        zoo.open_registry()
    assert "or make one: zoo new zoo DIR" in str(info.value)
