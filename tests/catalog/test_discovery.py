"""What installed distributions register, read from their metadata and nothing else."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.processes import python
from zoo.catalog.discovery import find_components, installed_versions
from zoo.catalog.modules import package_folder
from zoo.components import Component

Make = Callable[..., Path]

EXPLODES = "raise RuntimeError('imported')\n"


def row(catalog_rows: tuple[Component, ...], name: str) -> Component:
    (found,) = [row for row in catalog_rows if row.name == name]
    return found


def one_layer(make: Make, name: str = "zoo-extra", layer: str = "Extra", **options: str) -> Path:
    module = name.replace("-", "_")
    groups = {"zoo.layers": {layer: f"{module}:{layer}"}}
    return make(name, groups, {f"{module}.py": EXPLODES}, **options)


def test_a_distribution_registers_its_entry_points(make_distribution: Make) -> None:
    folder = make_distribution(
        "zoo-extra",
        {
            "zoo.layers": {"Loc_by_1D": "extra.layers:LocBy1D"},
            "zoo.losses": {"my_loss": "extra:my_loss"},
            "zoo.models": {"my-model": "extra.models"},
            "console_scripts": {"extra": "extra:main"},
            "zoo.unheard": {"x": "extra:x"},
        },
        {"extra/__init__.py": EXPLODES},
        version="1.2.3",
    )
    rows = find_components([str(folder)], "").rows
    assert rows == (
        Component("layers", "Loc_by_1D", "zoo-extra", "1.2.3", "extra.layers:LocBy1D"),
        Component("losses", "my_loss", "zoo-extra", "1.2.3", "extra:my_loss"),
        Component("models", "my-model", "zoo-extra", "1.2.3", "extra.models"),
    )


def test_names_keep_their_case(make_distribution: Make) -> None:
    folder = make_distribution(
        "zoo-extra", {"zoo.layers": {"Same": "extra:A", "same": "extra:B"}}, {"extra.py": ""}
    )
    names = [row.name for row in find_components([str(folder)], "").rows]
    assert names == ["Same", "same"]


def test_nothing_is_imported(make_distribution: Make) -> None:
    folder = one_layer(make_distribution)
    before = set(sys.modules)
    catalog = find_components([str(folder)], "")
    assert catalog.find("layers", "Extra").status == "ok"
    assert set(sys.modules) == before


def test_the_search_path_is_that_of_python_by_default(
    make_distribution: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZOO_DISABLE_PLUGINS", raising=False)
    one_layer(make_distribution)
    catalog = find_components()
    assert catalog.find("layers", "Extra").distribution == "zoo-extra"
    assert catalog.find("layers", "Dense").distribution == "zoo"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[zoo.layers]\nA = x:\xff\n", "utf-8"),
        (b"\xff\xfe\x00", "utf-8"),
        (b"[zoo.layers\nA = x:A\n", "File contains no section headers"),
        (b"A = x:A\n# zoo.layers\n", "File contains no section headers"),
        (b"[zoo.layers]\nA = x:A\nA = x:B\n", "already exists"),
        (b"[zoo.layers]\nno target\n", "contains parsing errors"),
    ],
)
def test_a_broken_metadata_file_is_a_row_with_its_reason_and_costs_nobody_else(
    make_distribution: Make, content: bytes, reason: str
) -> None:
    make_distribution("zoo-broken", content)
    folder = one_layer(make_distribution)
    broken, fine = find_components([str(folder)], "").rows
    assert (broken.kind, broken.name, broken.status) == ("plugins", "zoo-broken", "broken")
    assert broken.reason.startswith("its entry_points.txt cannot be read: ")
    assert reason in broken.reason
    assert "\n" not in broken.reason
    assert (fine.name, fine.status) == ("Extra", "ok")


def test_a_metadata_file_beyond_all_measure_is_not_read(make_distribution: Make) -> None:
    folder = make_distribution("zoo-huge")
    with (folder / "zoo_huge-1.0.dist-info" / "entry_points.txt").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    (huge,) = find_components([str(folder)], "").rows
    assert huge.reason == "its entry_points.txt cannot be read: more than 16,777,216 bytes"


def test_a_broken_file_that_is_no_plugins_is_none_of_ours(make_distribution: Make) -> None:
    folder = make_distribution("other", b"[console_scripts\nx = y\n")
    assert find_components([str(folder)], "").rows == ()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("", "'' is not of the form module:object"),
        ("two words:X", "'two words:X' is not of the form module:object"),
        ("extra", "'extra' names a module, not an object in it"),
        ("nowhere.layers:X", "there is no module nowhere"),
    ],
)
def test_a_target_that_leads_nowhere_is_a_row_with_its_reason(
    make_distribution: Make, target: str, reason: str
) -> None:
    folder = make_distribution(
        "zoo-extra",
        {"zoo.layers": {"Broken": target, "Fine": "extra:Fine"}},
        {"extra.py": EXPLODES},
    )
    rows = find_components([str(folder)], "").rows
    assert (row(rows, "Broken").status, row(rows, "Broken").reason) == ("broken", reason)
    assert row(rows, "Fine").status == "ok"


def test_the_package_of_models_needs_no_object(make_distribution: Make) -> None:
    folder = make_distribution(
        "zoo-extra", {"zoo.models": {"my-model": "extra.models"}}, {"extra/__init__.py": ""}
    )
    assert find_components([str(folder)], "").rows[0].status == "ok"


@pytest.mark.parametrize("top", ["..up:X", "sys.\0:X"])
def test_a_module_that_cannot_even_be_looked_for_is_broken(
    make_distribution: Make, top: str
) -> None:
    folder = make_distribution("zoo-extra", {"zoo.layers": {"A": top}})
    assert find_components([str(folder)], "").rows[0].status == "broken"


def test_a_module_that_is_in_memory_without_a_spec_is_broken(
    make_distribution: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "made_by_hand", ModuleType("made_by_hand"))
    folder = make_distribution("zoo-extra", {"zoo.layers": {"A": "made_by_hand:A"}})
    (found,) = find_components([str(folder)], "").rows
    assert (found.status, found.reason) == ("broken", "there is no module made_by_hand")


@pytest.mark.parametrize("order", [("site", "later"), ("later", "site")], ids=str)
def test_a_name_that_two_have_is_a_conflict_that_names_both_whatever_the_order(
    make_distribution: Make, tmp_path: Path, order: tuple[str, str]
) -> None:
    one_layer(make_distribution, "zoo-one", site="site")
    one_layer(make_distribution, "zoo-two", site="later")
    catalog = find_components([str(tmp_path / site) for site in order], "")
    assert {row.status for row in catalog.rows} == {"conflict"}
    assert {row.reason for row in catalog.rows} == {"registered by zoo-one and zoo-two"}


def test_the_same_name_in_another_kind_is_no_conflict(make_distribution: Make) -> None:
    groups = {"zoo.layers": {"X": "extra:X"}, "zoo.losses": {"X": "extra:X"}}
    folder = make_distribution("zoo-extra", groups, {"extra.py": ""})
    assert {row.status for row in find_components([str(folder)], "").rows} == {"ok"}


def test_of_two_copies_of_a_distribution_the_first_on_the_path_speaks(
    make_distribution: Make, tmp_path: Path
) -> None:
    one_layer(make_distribution, version="1.0", site="first")
    one_layer(make_distribution, version="2.0", site="second")
    path = [str(tmp_path / "first"), str(tmp_path / "second")]
    assert [row.version for row in find_components(path, "").rows] == ["1.0"]
    assert [row.version for row in find_components(path[::-1], "").rows] == ["2.0"]


@pytest.mark.parametrize("folder", ["", "."])
def test_the_current_folder_counts_where_the_path_has_it(
    make_distribution: Make, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(one_layer(make_distribution))
    assert [row.name for row in find_components([folder], "").rows] == ["Extra"]


def test_a_folder_that_is_not_there_is_passed_over(make_distribution: Make, tmp_path: Path) -> None:
    folder = one_layer(make_distribution)
    path = [str(tmp_path / "gone.zip"), str(folder), str(folder)]
    assert len(find_components(path, "").rows) == 1


def test_a_distribution_without_entry_points_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "plain-1.0.dist-info").mkdir()
    (tmp_path / "old.egg-info").mkdir()
    assert find_components([str(tmp_path)], "").rows == ()
    assert installed_versions([str(tmp_path)]) == {"plain": "1.0", "old": ""}


def test_versions_are_listed_by_the_one_spelling(make_distribution: Make) -> None:
    folder = make_distribution("Zoo_Extra.Two", version="2.0rc1")
    assert installed_versions([str(folder)]) == {"zoo-extra-two": "2.0rc1"}


class TestDisabling:
    """`ZOO_DISABLE_PLUGINS`."""

    @pytest.fixture
    def path(self, make_distribution: Make) -> list[str]:
        one_layer(make_distribution, "zoo-one", "One")
        one_layer(make_distribution, "zoo-two", "Two")
        core = {"zoo.layers": {"Dense": "keras.layers:Dense"}}
        return [str(make_distribution("zoo", core))]

    def names(self, path: list[str], disabled: str | None) -> list[str]:
        return sorted(row.name for row in find_components(path, disabled).rows)

    def test_nothing_leaves_all(self, path: list[str]) -> None:
        assert self.names(path, "") == ["Dense", "One", "Two"]
        assert self.names(path, " , ") == ["Dense", "One", "Two"]

    def test_one_leaves_the_core_alone(self, path: list[str]) -> None:
        assert self.names(path, "1") == ["Dense"]

    @pytest.mark.parametrize("text", ["zoo-one", "Zoo_One", " zoo.one , other", "ZOO-ONE,zoo"])
    def test_names_are_left_out_in_whatever_spelling(self, path: list[str], text: str) -> None:
        assert self.names(path, text) == ["Dense", "Two"]

    def test_the_environment_says_so_by_default(
        self, path: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-one,zoo-two")
        assert self.names(path, None) == ["Dense"]

    def test_what_was_left_out_is_still_known_as_such(self, path: list[str]) -> None:
        assert [row.name for row in find_components(path, "1").disabled] == ["One", "Two"]

    def test_a_conflict_ends_where_one_of_the_two_is_left_out(
        self, make_distribution: Make, path: list[str]
    ) -> None:
        one_layer(make_distribution, "zoo-three", "One")
        assert {row.status for row in find_components(path, "").rows} == {"ok", "conflict"}
        assert {row.status for row in find_components(path, "zoo-three").rows} == {"ok"}

    def test_a_broken_distribution_can_be_left_out(
        self, make_distribution: Make, path: list[str]
    ) -> None:
        make_distribution("zoo-broken", b"[zoo.layers\n")
        assert "zoo-broken" in self.names(path, "")
        assert "zoo-broken" not in self.names(path, "zoo-broken")


def test_a_package_is_found_without_importing_it(make_distribution: Make) -> None:
    folder = make_distribution(
        "zoo-extra", "", {"pack/__init__.py": EXPLODES, "pack/models/m.toml": "", "single.py": ""}
    )
    before = set(sys.modules)
    assert package_folder("pack") == folder / "pack"
    assert package_folder("pack.models") == folder / "pack" / "models"
    assert package_folder("pack.gone") is None
    assert package_folder("single") is None
    assert package_folder("nowhere_at_all") is None
    assert set(sys.modules) == before


def test_a_thousand_distributions_are_read_in_moments(tmp_path: Path) -> None:
    for index in range(1000):
        info = tmp_path / f"d{index}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(f"[zoo.layers]\nL{index} = keras:L{index}\n")
    program = (
        "import time\nfrom zoo.catalog.discovery import find_components\n"
        f"start = time.process_time()\nrows = find_components([{str(tmp_path)!r}]).rows\n"
        "print(len(rows), time.process_time() - start)"
    )
    count, seconds = python("-c", program, ZOO_DISABLE_PLUGINS="").split()
    assert int(count) == 1000
    assert float(seconds) < 2
