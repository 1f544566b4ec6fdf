"""The gallery as files: what is in its pages, what it leaves alone, what stops it not."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.catalog.catalog import Catalog
from zoo.errors import StorageError
from zoo.registry.life import set_status
from zoo.report import site as site_module
from zoo.report.site import MARKER, write_site
from zoo.workspace import Workspace


@pytest.fixture
def own(gallery: Path, tmp_path: Path) -> Path:
    """A copy of the zoo that may be changed."""
    root = tmp_path / "own"
    shutil.copytree(gallery, root)
    return root


def with_few_components(root: Path, *names: str) -> Workspace:
    """A zoo without most of what is installed, whose pages take a while to write."""
    workspace = Workspace(root)
    rows = [row for row in workspace.catalog.rows if row.name in ("Dense", *names)]
    workspace.__dict__["catalog"] = Catalog(rows)
    return workspace


def pages(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")
    }


def component(catalog: str, name: str) -> str:
    (found,) = re.findall(rf'<details[^>]*id="[^"]*{name}".*?</details>', catalog, re.S)
    return found


def test_every_link_of_every_page_leads_somewhere(
    site: Path, resources: Callable[[str], list[str]]
) -> None:
    written = pages(site)
    assert len(written) == 7
    ids = set(re.findall(r' id="([^"]*)"', written["catalog.html"]))
    for page, text in written.items():
        for link in resources(text):
            if re.match(r"https?://|data:,$", link):  # docstrings name papers
                assert page == "catalog.html" or link == "data:,"
                continue
            path, _, place = link.partition("#")
            assert ((site / page).parent / path).is_file(), f"{link} in {page}"
            assert not path.endswith("catalog.html") or not place or place in ids, link


def test_nothing_is_fetched_and_no_folder_of_this_machine_is_named(
    gallery: Path, site: Path
) -> None:
    for page, text in pages(site).items():
        assert not re.findall(r"<(?:link|script|img|iframe)[^>]* (?:src|href)=\"(?!data:,)", text)
        assert str(gallery.parent) not in text, page
        assert str(Path(site_module.__file__).parents[2]) not in text, page


def test_what_a_model_s_maker_wrote_stays_text(site: Path) -> None:
    for page, text in pages(site).items():
        assert "<script>document" not in text, page
        assert "<img" not in text, page
    assert "&lt;script&gt;document" in pages(site)["versions/beta-1.0.0.html"]


def test_a_description_cannot_link_to_a_script(own: Path, tmp_path: Path) -> None:
    file = own / "registry.toml"
    text = file.read_text().replace("The model alpha.", "[me](javascript:alert(1)) </script>")
    file.write_text(text)
    workspace = with_few_components(own)
    workspace.__dict__["registry"] = _accepted(own)
    write_site(tmp_path / "site", workspace)
    for page in ("versions/alpha-1.0.0.html", "index.html"):
        text = pages(tmp_path / "site")[page]
        assert 'href="javascript' not in text
        assert "[me](javascript:alert(1)) &lt;/script&gt;" in text


def _accepted(root: Path):
    from zoo.registry.document import read_registry

    return read_registry(root, accept_edits=True)


def test_a_folder_that_holds_something_else_is_left_alone(gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "index.html").write_text("mine")
    with pytest.raises(StorageError, match="thesis holds something that `zoo site` did not write"):
        write_site(tmp_path / "thesis", Workspace(gallery))
    assert (tmp_path / "thesis" / "index.html").read_text() == "mine"
    with pytest.raises(StorageError, match="did not write"):
        write_site(tmp_path / "thesis" / "index.html", Workspace(gallery))


def test_pages_are_replaced_and_those_of_versions_that_are_gone_removed(
    own: Path, tmp_path: Path
) -> None:
    write_site(tmp_path / "site", with_few_components(own))
    (tmp_path / "site" / "versions" / "gone-1.0.0.html").write_text("old")
    set_status(own, ["alpha@1.1.0"], "yanked")
    write_site(tmp_path / "site", with_few_components(own))
    assert "gone" not in " ".join(pages(tmp_path / "site"))
    assert "| yanked" not in pages(tmp_path / "site")["index.html"]
    assert ">yanked</td>" in pages(tmp_path / "site")["versions/alpha-1.1.0.html"]


def test_what_was_stopped_half_way_is_written_again(
    gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = site_module.write_atomically

    def stopped(path: Path, data: bytes) -> None:
        if path.name == "catalog.html":
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(site_module, "write_atomically", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_site(tmp_path / "site", with_few_components(gallery))
    assert (tmp_path / "site" / MARKER).is_file()
    monkeypatch.undo()
    assert len(write_site(tmp_path / "site", with_few_components(gallery))) == 7


def test_a_damaged_version_has_a_page_that_says_so_and_hides_no_other(
    own: Path, tmp_path: Path
) -> None:
    (own / "weights/alpha/1.0.0.toml").write_text("zoo = 1\n")
    (own / "weights/beta/1.0.0.toml").unlink()
    write_site(tmp_path / "site", with_few_components(own))
    written = pages(tmp_path / "site")
    changed, gone = written["versions/alpha-1.0.0.html"], written["versions/beta-1.0.0.html"]
    assert "weights/alpha/1.0.0.toml is not the file that was published" in changed
    assert "weights/beta/1.0.0.toml is listed but not there" in gone
    assert "not readable" not in written["versions/alpha-1.1.0.html"]
    assert written["index.html"].count("not readable") == 2


def test_the_catalog_says_where_a_component_is_without_importing_it(
    gallery: Path, tmp_path: Path, make_distribution: Callable[..., Path]
) -> None:
    source = '''raise RuntimeError("imported")


class Rain:
    """Rain on </details><script>alert(1)</script>.

    Args:
        drops: How many fall.
    """

    def __init__(self, drops: int = 7) -> None:
        self.drops = drops
'''
    make_distribution(
        "zoo-rain", {"zoo.layers": {"Rain": "rain_mod:Rain"}}, {"rain_mod.py": source}
    )
    write_site(tmp_path / "out", with_few_components(gallery, "Rain"))
    catalog = pages(tmp_path / "out")["catalog.html"]
    rain = component(catalog, "zoo-rain/Rain")
    assert "zoo-rain 1.0" in rain
    assert "drops" in rain
    assert "<li>drops: How many fall.</li>" in rain
    assert component(catalog, "layers/Dense").count("<li>units: Positive integer") == 1
    assert ">7<" in rain
    assert "rain_<wbr>mod.<wbr>py:4" in rain
    assert "<script>alert" not in catalog
    dense = component(catalog, "layers/Dense")
    assert "keras/<wbr>src/<wbr>layers/<wbr>core/<wbr>dense.<wbr>py:" in dense


def test_conflicts_and_broken_plugins_are_in_the_catalog_with_their_reason(
    gallery: Path, tmp_path: Path, make_distribution: Callable[..., Path]
) -> None:
    for name in ("zoo-one", "zoo-two"):
        module = name.replace("-", "_")
        source = {f"{module}.py": "class Twice:\n    pass\n"}
        make_distribution(name, {"zoo.layers": {"Twice": f"{module}:Twice"}}, source)
    make_distribution("zoo-bad", {"zoo.losses": {"Bad": "not a target"}})
    write_site(tmp_path / "out", with_few_components(gallery, "Twice", "Bad"))
    catalog = pages(tmp_path / "out")["catalog.html"]
    for name in ("zoo-one", "zoo-two"):
        twice = component(catalog, f"{name}/Twice")
        assert ">conflict<" in twice
        assert "registered by" in twice
    bad = component(catalog, "zoo-bad/Bad")
    assert ">broken<" in bad
    assert "not a target" in bad
