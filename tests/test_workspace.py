"""What a command works with: the zoo that it was called in, and errors at their place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import ConfigError, Finding, RegistryError
from zoo.workspace import Workspace

WRONG = Finding("bad-value", "it cannot be", key="layers.first.units")


def test_an_error_inside_is_pointed_at_its_place_in_the_config(
    write_config: Callable[..., Path], tiny: Callable[..., str]
) -> None:
    path = write_config(tiny())
    workspace = Workspace()
    with pytest.raises(ConfigError) as info, workspace.pointing(workspace.source(path)):
        raise ConfigError.of([WRONG])
    (finding,) = info.value.findings
    assert (finding.file, finding.excerpt) == (str(path), "units = 4")


def test_what_was_given_on_the_command_line_is_pointed_at_there(
    write_config: Callable[..., Path], tiny: Callable[..., str]
) -> None:
    workspace = Workspace()
    source = workspace.source(write_config(tiny()))
    with (
        pytest.raises(ConfigError) as info,
        workspace.pointing(source, {"layers.first.units": 3}),
    ):
        raise ConfigError.of([WRONG])
    (finding,) = info.value.findings
    assert (finding.file, finding.line, finding.excerpt) == ("--set", None, None)


def test_a_path_is_of_the_zoo_that_was_named_and_keeps_its_place_in_it(
    zoo_root: Path, write_config: Callable[..., Path], tiny: Callable[..., str]
) -> None:
    path = write_config(tiny(), "deep/m.toml")
    source = Workspace(zoo_root).source("deep/m.toml")
    assert (source.path, source.root, source.origin) == (path, zoo_root, "deep/m.toml")


def test_what_needs_a_zoo_says_so_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOO_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Workspace().registry is None
    with pytest.raises(RegistryError, match=r"there is no registry\.toml here or above"):
        _ = Workspace().known_registry


def test_each_value_says_where_it_comes_from(
    write_config: Callable[..., Path], tiny: Callable[..., str]
) -> None:
    path = write_config(tiny())
    workspace = Workspace()
    given = {"layers.last.units": 2}
    model = workspace.check(path, given).usable
    origins = workspace.origins(model, given)
    assert origins["layers.first.units"] == f"{path.name}:10"
    assert origins["layers.last.units"] == "--set layers.last.units"
    assert origins["train.epochs"] == "default"
    path.unlink()
    assert workspace.origins(model, given) == {}


def test_a_config_that_is_not_there_is_found_to_be_wrong_under_the_name_that_it_was_given(
    zoo_root: Path,
) -> None:
    (finding,) = Workspace(zoo_root).check("no-such-model").findings
    assert (finding.code, finding.file) == ("unknown-model", "no-such-model")
