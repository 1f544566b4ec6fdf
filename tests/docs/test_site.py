"""The site of the documentation builds strictly, is complete, and needs no network."""

import html
import html.parser
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.blocks import PAGES, ROOT
from tests.docs.codes import codes_in_the_source
from tests.docs.shell import COMMANDS, options

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install 'zoo[docs]'")
pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'zoo[docs]'")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself, by the attribute that says from where."""


class Page(html.parser.HTMLParser):
    """The links, the anchors, and what a browser loads of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", given.get("name", "")))
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADS and LOADS[tag] in given:
            self.loads.append(given[LOADS[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "ZOO_ROOT": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page by its path in the site."""
    return {str(path.relative_to(site)): Page(path) for path in site.rglob("*.html")}


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_no_page_loads_anything_from_the_network(site: Path, pages: dict[str, Page]) -> None:
    away = [(name, url) for name, page in pages.items() for url in page.loads if is_away(url)]
    assert away == []
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert [url for url in re.findall(r"url\(([^)]*)\)|@import", text) if is_away(url)] == []


def is_away(url: str) -> bool:
    return re.match(r"[\"']?(https?:)?//", url) is not None


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    broken = []
    for name, page in pages.items():
        if name == "404.html":
            continue  # it is shown for any address, and its links begin at the root
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            folder = posixpath.dirname(name)
            path = posixpath.normpath(posixpath.join(folder, unquote(parts.path)))
            target = name if not parts.path else path
            if not (site / target).is_file():
                broken.append((name, link))
            elif "=" in parts.fragment:
                pass  # what a page of the gallery is asked to show
            elif parts.fragment and target in pages:
                known = pages[target].anchors | {"__top"}
                if unquote(parts.fragment) not in known:
                    broken.append((name, link))
    assert broken == []


def test_every_page_of_the_documentation_is_in_the_site(pages: dict[str, Page]) -> None:
    for page in PAGES:
        inside = page.startswith("docs/")
        built = page.removeprefix("docs/") if inside else f"source/{page}"
        built = re.sub(r"README\.md$", "index.md", built).removesuffix(".md")
        assert f"{built}.html" in pages


def test_every_page_of_docs_is_in_the_navigation(pages: dict[str, Page]) -> None:
    shown = {posixpath.normpath(link) for link in pages["index.html"].links}
    for page in (ROOT / "docs").rglob("*.md"):
        assert str(page.relative_to(ROOT / "docs").with_suffix(".html")) in shown


def test_the_page_of_commands_has_every_command_and_option(site: Path) -> None:
    page = site / "reference" / "commands.html"
    text = text_of(page)
    for name, command in COMMANDS.items():
        section = re.split(r"zoo [a-z ]+¶", text.partition(f"zoo {name}¶")[2])[0]
        assert command.help.partition("\n")[0] in section, name
        for option in (name for name in options(command) if name.startswith("-")):
            assert option in section, (name, option)


def test_the_error_index_has_every_code_with_an_example_and_a_remedy(site: Path) -> None:
    page = site / "reference" / "error-index.html"
    anchors = Page(page).anchors
    for code in set(codes_in_the_source()):
        assert code in anchors
    parts = re.split(r'<h2 id="([\w-]+)"', page.read_text(encoding="utf-8"))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert set(sections) == set(codes_in_the_source())
    for code, section in sections.items():
        assert f"[{code}]" in re.sub(r"<[^>]+>", "", section), code
        assert "<li>" in section.partition("</code>")[2], code
        assert "xit status" in section, code


def test_the_page_of_python_has_every_public_name_and_its_first_sentence(site: Path) -> None:
    import zoo

    text = " ".join(text_of(site / "reference" / "python.html").split())
    for name in zoo.__all__:
        if name.startswith("_"):
            continue
        sentence = str(getattr(zoo, name).__doc__).partition("\n")[0]
        assert sentence.partition("`")[0] in text, name


BROWSER = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    driver = shutil.which("chromedriver")
    if BROWSER is None or driver is None:
        pytest.skip("there is no chromium and chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    profile = tmp_path_factory.mktemp("profile")
    flags = ["headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run"]
    flags += ["disable-background-networking", "disable-component-update", "disable-sync"]
    for flag in (*flags, f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


def test_the_site_is_searched_from_its_folder_without_a_server(site: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get((site / "config.html").as_uri())
    field = browser.find_element(By.CSS_SELECTOR, "input.md-search__input")
    browser.execute_script("arguments[0].focus()", field)
    field.send_keys("unbound need")
    found = WebDriverWait(browser, 15).until(
        lambda b: b.find_elements(By.CSS_SELECTOR, ".md-search-result__link")
    )
    assert any("error-index" in link.get_attribute("href") for link in found)
    script = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    fetched = browser.execute_script(script)
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []
    assert browser.get_log("browser") == []
