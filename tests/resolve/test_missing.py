"""A component that nothing here has, but a plugin that the zoo names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.candidates import a_candidate
from zoo.errors import Finding, PluginError
from zoo.registry.publishing import publish
from zoo.workspace import Workspace

Findings = Callable[..., Finding]
Tiny = Callable[..., str]

REGISTRY = """format = 1
[[plugins]]
name = "Zoo_Waves"
requires = ">=2.0"
"""


@pytest.fixture
def found(zoo_root: Path, write_config: Callable[..., Path], tiny: Tiny) -> Findings:
    """What a check finds about a layer of some type, in a zoo that requires `zoo-waves`."""

    def check(name: str, registry: str = REGISTRY) -> Finding:
        if registry:
            (zoo_root / "registry.toml").write_text(registry)
        path = write_config(tiny("", f'[[layers]]\ntype = "{name}"\n'))
        (finding,) = Workspace(zoo_root).check(path).findings
        return finding

    return check


def test_a_qualified_name_of_a_required_plugin_says_how_to_install_it(found: Findings) -> None:
    finding = found("zoo-waves/Ripple")
    assert (finding.code, finding.key) == ("plugin-missing", "layers.ripple.type")
    assert finding.message == '"zoo-waves/Ripple" is provided by zoo-waves, which is not installed'
    assert finding.suggestion == "install it with: pip install 'Zoo_Waves>=2.0'"
    assert finding.line is not None


def test_the_exit_status_is_that_of_a_missing_plugin(found: Findings, zoo_root: Path) -> None:
    found("zoo-waves/Ripple")
    with pytest.raises(PluginError) as info:
        _ = Workspace(zoo_root).check(zoo_root / "model.toml").usable
    assert info.value.exit_status == 5


def published(root: Path, config: str) -> None:
    publish(root, a_candidate("sea", config=config, plugins={"zoo-swell": "1.5"}), "1.0.0")


def test_a_bare_name_is_found_in_the_config_of_a_published_version(
    found: Findings, zoo_root: Path
) -> None:
    published(zoo_root, 'zoo = 1\n[[layers]]\ntype = "zoo-swell/Swell"\n')
    finding = found("Swell", registry="")
    assert (finding.code, finding.message) == (
        "plugin-missing",
        '"Swell" is provided by zoo-swell, which is not installed',
    )
    assert finding.suggestion == "install it with: pip install 'zoo-swell==1.5'"


def test_a_bare_name_is_found_in_the_config_of_a_model_of_the_zoo(
    found: Findings, zoo_root: Path
) -> None:
    (zoo_root / "sea.toml").write_text('layers = [{ type = "zoo-waves/Ripple" }]\n')
    registry = f'{REGISTRY}[[models]]\nname = "sea"\nconfig = "sea.toml"\n'
    assert found("Ripple", registry).code == "plugin-missing"


def test_what_no_plugin_can_have_is_not_looked_for_in_one_that_is_missing(found: Findings) -> None:
    finding = found("Lambda")
    assert finding.code == "unknown-component"
    assert finding.suggestion == "a config holds no code: write a layer in a plugin"


def test_a_name_that_nobody_vouches_for_only_hints_at_what_is_missing(found: Findings) -> None:
    finding = found("Ripple")
    assert (finding.code, finding.message) == ("unknown-component", 'no layer is called "Ripple"')
    assert finding.suggestion == (
        "zoo-waves may have it, which this zoo names: pip install 'Zoo_Waves>=2.0'"
    )


def test_a_misspelt_name_is_still_a_misspelt_name(found: Findings) -> None:
    finding = found("Dence")
    assert finding.code == "unknown-component"
    assert str(finding.suggestion).startswith('did you mean "Dense"?')


def test_a_distribution_that_nobody_requires_is_unknown(found: Findings) -> None:
    assert found("zoo-nobody/Ripple").code == "unknown-component"


def test_an_installed_plugin_is_not_missing(
    found: Findings, make_distribution: Callable[..., Path]
) -> None:
    make_distribution("zoo-waves", {"zoo.layers": {"Other": "waves:Other"}}, {"waves.py": ""})
    finding = found("zoo-waves/Ripple")
    assert finding.code == "unknown-component"
    assert finding.suggestion == 'did you mean "zoo-waves/Other"? (zoo-waves 1.0)'


@pytest.mark.parametrize("registry", ["format = 1\n", "not toml"])
def test_a_registry_that_names_none_or_is_damaged_adds_nothing(
    found: Findings, registry: str
) -> None:
    assert found("Ripple", registry).suggestion == "`zoo list layers` shows what there is"


def test_a_version_whose_config_is_gone_is_passed_over(found: Findings, zoo_root: Path) -> None:
    published(zoo_root, 'zoo = 1\n[[layers]]\ntype = "zoo-swell/Swell"\n')
    (zoo_root / "weights/sea/1.0.0.toml").unlink()
    assert found("Swell", registry="").code == "unknown-component"
