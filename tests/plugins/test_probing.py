"""What a check of a plugin makes of the process that tries it, and of models, which need none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.components import Component
from zoo.plugins import probing
from zoo.plugins.installed import Plugin, find_plugin, installed_plugins
from zoo.plugins.probing import probe
from zoo.rows import Row
from zoo.workspace import Workspace

Shipping = Callable[[dict[str, str]], tuple[Path, list[Row]]]


@pytest.fixture
def shipping(make_distribution: Callable[..., Path]) -> Shipping:
    """Checks a plugin that registers the model `surf` and ships some files."""

    def check(files: dict[str, str]) -> tuple[Path, list[Row]]:
        groups = {"zoo.models": {"surf": "tides.models"}}
        site = make_distribution("zoo-tides", groups, {"tides/__init__.py": "", **files})
        plugin = find_plugin("zoo-tides", installed_plugins(Workspace().catalog))
        return site, probe(plugin, [], timeout=1)

    return check


def test_a_model_that_is_there_under_its_name_is_well(shipping: Shipping) -> None:
    site, rows = shipping({"tides/models/surf.toml": 'name = "surf"\n'})
    assert rows == [Row("surf", "model", "ok", str(site / "tides/models/surf.toml"))]


@pytest.mark.parametrize("files", [{}, {"tides/models/swell.toml": 'name = "surf"\n'}])
def test_a_model_whose_file_is_not_in_its_package_is_an_error(
    shipping: Shipping, files: dict[str, str]
) -> None:
    message = "tides.models has no surf.toml"
    remedy = "put the file into that package, and see that it is part of the wheel"
    assert shipping(files)[1] == [Row("surf", "model", "error", message, remedy)]


def test_a_model_that_calls_itself_something_else_is_an_error(shipping: Shipping) -> None:
    _, rows = shipping({"tides/models/surf.toml": 'name = "swell"\n'})
    message = "surf.toml is registered as 'surf' and called 'swell'"
    assert rows == [Row("surf", "model", "error", message, 'write name = "surf" in it')]


def test_a_model_that_is_no_toml_is_an_error_that_another_command_shows_the_place_of(
    shipping: Shipping,
) -> None:
    site, (row,) = shipping({"tides/models/surf.toml": "name =\n"})
    assert (row.subject, row.check, row.result) == ("surf", "model", "error")
    assert row.message == "this is not TOML: Invalid value"
    assert row.remedy == f"zoo check {site / 'tides/models/surf.toml'}"


PROBE = """\
import json, os, sys, time
job, pipe = json.load(sys.stdin), int(sys.argv[1])
def say(**message):
    os.write(pipe, json.dumps(message).encode() + b"\\n")
def meet(module):
    if module == "mute": os._exit(4)
    print("of", module, file=sys.stderr, flush=True)
    if module == "leaves": os._exit(3)
    if module == "dies": os.kill(os.getpid(), 9)
    if module == "hangs": time.sleep(60)
    if module == "slow": time.sleep(0.05)
for module in job["modules"]:
    say(at=module, stderr=os.fstat(2).st_size)
    meet(module)
    names = " ".join(row["name"] for row in job["components"])
    say(subject=module, check="import", result="ok", message=names)
for module in job["others"]:
    say(at=f"besides {module}")
    meet(module)
say(done=True)
"""
DO_NOTHING = "do nothing at import but define; a longer wait is given by --timeout"


@pytest.fixture
def tried(make_distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries plugins by a program that says at once what the one with Keras takes seconds for."""
    make_distribution("zoo-probe", "", {"quick_probe.py": PROBE})
    for name in ("_PROBE", "_PROBE_OF_RULES"):
        monkeypatch.setattr(probing, name, "quick_probe")
    monkeypatch.setattr(probing, "_LOOK_SECONDS", 0.01)


def plugin_of(*modules: str, name: str = "zoo-tides", kind: str = "losses") -> Plugin:
    """A plugin that registers one component of each module, called as that and in capitals."""
    rows = [Component(kind, module.upper(), name, "1.0", f"{module}:it") for module in modules]
    return Plugin(name, "1.0", "", False, tuple(rows))


def met(module: str, components: str) -> Row:
    return Row(module, "import", "ok", components)


@pytest.mark.usefixtures("tried")
@pytest.mark.parametrize(
    ("last", "how"),
    [
        ("leaves", "with status 3: of leaves"),
        ("mute", "with status 4"),
        ("dies", "by signal 9: of dies"),
    ],
)
def test_every_module_is_tried_once_and_told_of_and_what_ends_the_process_stops_no_other(
    last: str, how: str
) -> None:
    told: list[str] = []
    plugin = plugin_of("fine", "slow", last, "slow", "calm")
    every = f"FINE SLOW {last.upper()} SLOW CALM"
    assert probe(plugin, [], 60, told.append) == [
        met("fine", every),
        met("slow", every),
        Row(last, "import", "error", f"it ends the process {how}", DO_NOTHING),
        met("calm", every),
    ]
    assert told == ["fine", "slow", last, "calm"]


@pytest.mark.usefixtures("tried")
def test_a_module_that_hangs_is_waited_for_as_long_as_was_said() -> None:
    assert probe(plugin_of("hangs"), [], 0.02) == [
        Row("hangs", "import", "error", "it still runs after 0.02 seconds", DO_NOTHING)
    ]


@pytest.mark.usefixtures("tried")
def test_another_plugin_that_ends_the_process_is_a_warning() -> None:
    others = [
        plugin_of("hangs", name="zoo"),
        plugin_of("hangs", name="zoo-tides"),
        plugin_of("hangs", name="zoo-models", kind="models"),
        replace(plugin_of("hangs", name="zoo-left-out"), disabled=True),
        plugin_of("leaves", "hangs", name="zoo-other"),
    ]
    remedy = (
        "`zoo plugin check` the plugin that has it; whether two plugins save classes under the "
        "same name was not looked at"
    )
    message = "it ends the process with status 3: of leaves"
    assert probe(plugin_of("fine"), others, 60) == [
        met("fine", "FINE"),
        Row("leaves", "import", "warning", message, remedy),
    ]


@pytest.mark.usefixtures("tried")
def test_rules_of_shapes_are_tried_apart_and_what_is_broken_is_not() -> None:
    rule = Component("shapes", "Widen", "zoo-tides", "1.0", "rules:widen")
    gone = replace(rule, name="Gone", status="broken", reason="there is no module gone")
    rows = plugin_of("calm", kind="layers").rows
    plugin = replace(
        plugin_of(),
        rows=(replace(rows[0], name="Widen"), replace(rows[0], status="broken", reason="no")),
        shape_rules=(rule, gone),
    )
    rows_of_entry_points, imports = [], []
    for row in probe(plugin, [], 60):
        (imports if row.check == "import" else rows_of_entry_points).append(row)
    assert [row.subject for row in rows_of_entry_points] == ["CALM", "Gone"]
    assert imports == [met("calm", "Widen"), met("rules", "Widen")]
