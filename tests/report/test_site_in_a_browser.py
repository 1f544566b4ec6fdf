"""The gallery as a person uses it: in a browser, from a folder, also without a mouse."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="there is no chromium and chromedriver here"
)
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-component-update",
    "--disable-background-networking",
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = Chrome(options=options, service=ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def browser(opened: Any) -> Iterator[Any]:
    """The browser; whatever its console says is an error."""
    opened.set_window_size(1280, 900)
    opened.get_log("browser")
    yield opened
    assert opened.get_log("browser") == []


def versions(browser: Any) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#versions tbody tr")
    return [row.find_element(By.TAG_NAME, "a").text for row in rows if row.is_displayed()]


def choose(browser: Any, name: str, option: str) -> None:
    Select(browser.find_element(By.ID, name)).select_by_visible_text(option)


def compared(browser: Any) -> list[str]:
    return [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#comparison tbody tr")]


def arrive(browser: Any, file: str) -> None:
    """Waits for a page: a click does not always do so."""
    there = f"return location.pathname.endsWith('/{file}') && document.readyState === 'complete'"
    WebDriverWait(browser, 10).until(lambda _: browser.execute_script(there))


def tab_to(browser: Any, name: str) -> Any:
    for _ in range(30):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        there = browser.switch_to.active_element
        if there.accessible_name == name:
            assert there.value_of_css_property("outline-style") == "solid"
            return there
    raise AssertionError(f"Tab does not reach {name!r}")


def test_versions_are_searched_filtered_and_sorted(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    assert versions(browser) == ["alpha@2.0.0", "alpha@1.1.0", "alpha@1.0.0", "beta@1.0.0"]
    browser.find_element(By.ID, "search").send_keys("ALPHA 1.")
    assert versions(browser) == ["alpha@1.1.0", "alpha@1.0.0"]
    assert browser.find_element(By.ID, "count").text == "2 of 4"
    browser.find_element(By.ID, "search").clear()
    browser.find_element(By.ID, "search").send_keys(Keys.SPACE)
    choose(browser, "metric", "loss")
    browser.find_element(By.ID, "most").send_keys("0.5")
    assert versions(browser) == ["beta@1.0.0", "alpha@1.1.0", "alpha@1.0.0"]
    choose(browser, "order", "high first")
    browser.find_element(By.ID, "least").send_keys("0.25")
    assert versions(browser) == ["alpha@1.0.0", "alpha@1.1.0"]
    choose(browser, "tag", "small")
    assert versions(browser) == []
    choose(browser, "tag", "rain")
    choose(browser, "metric", "none")
    assert versions(browser) == ["alpha@2.0.0", "alpha@1.1.0", "alpha@1.0.0"]


def test_withdrawn_versions_are_found_by_their_status(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    choose(browser, "status", "deprecated")
    assert versions(browser) == ["alpha@1.0.0"]


def test_what_was_looked_for_is_there_after_a_visit_to_a_page(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    browser.find_element(By.ID, "search").send_keys("beta")
    browser.find_element(By.LINK_TEXT, "beta@1.0.0").click()
    arrive(browser, "beta-1.0.0.html")
    browser.back()
    arrive(browser, "index.html")
    assert browser.find_element(By.ID, "search").get_attribute("value") == "beta"
    assert versions(browser) == ["beta@1.0.0"]


def test_two_versions_are_compared_and_the_address_keeps_which(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    button = browser.find_element(By.ID, "compare")
    assert not button.is_enabled()
    boxes = browser.find_elements(By.CSS_SELECTOR, "#versions input")
    boxes[0].click()
    boxes[1].click()
    button.click()
    arrive(browser, "compare.html")
    address = browser.current_url
    assert address.endswith("compare.html#a=alpha%401.1.0&b=alpha%402.0.0")
    assert compared(browser) == ["loss 0.25 0.75 +0.5", "layers.y.units 2 3"]
    assert browser.find_element(By.ID, "count").text == "1 difference, different graphs"
    browser.get("about:blank")
    browser.get(address.replace("1.1.0", "1.0.0"))
    assert compared(browser)[1:] == ["layers.y.units 2 3", "train.epochs 1 9"]
    browser.get(address.replace("1.1.0", "7.0.0"))
    assert browser.find_element(By.ID, "count").text == "not here: alpha@7.0.0"


def test_other_versions_are_chosen_on_the_page_itself(browser: Any, site: Path) -> None:
    browser.get((site / "compare.html").as_uri())
    choose(browser, "a", "beta@1.0.0")
    choose(browser, "b", "alpha@1.0.0")
    assert "loss 0.1 0.5 +0.4" in compared(browser)
    assert browser.current_url.endswith("#a=beta%401.0.0&b=alpha%401.0.0")


def test_a_version_leads_to_its_comparisons_and_components(browser: Any, site: Path) -> None:
    address = (site / "versions/alpha-1.1.0.html").as_uri()
    browser.get(address)
    browser.find_element(By.XPATH, "//li[contains(., 'alpha@2.0.0')]/a[2]").click()
    arrive(browser, "compare.html")
    assert compared(browser)[1:] == ["layers.y.units 3 2"]
    browser.get(address)
    browser.find_element(By.LINK_TEXT, "Dense").click()
    arrive(browser, "catalog.html")
    unfolded = browser.find_elements(By.CSS_SELECTOR, "details[open]")
    assert [one.find_element(By.TAG_NAME, "strong").text for one in unfolded] == ["Dense"]


def test_two_versions_are_compared_without_a_mouse(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    for name in ("alpha@1.1.0", "beta@1.0.0"):
        tab_to(browser, f"Compare {name}").send_keys(Keys.SPACE)
    browser.find_element(By.TAG_NAME, "h1").click()
    tab_to(browser, "Compare two").send_keys(Keys.ENTER)
    arrive(browser, "compare.html")
    assert compared(browser)[0] == "loss 0.1 0.25 +0.15"


def test_the_keyboard_alone_is_enough(browser: Any, site: Path) -> None:
    browser.get((site / "index.html").as_uri())
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    assert browser.switch_to.active_element.get_attribute("id") == "search"
    browser.switch_to.active_element.send_keys("beta")
    assert versions(browser) == ["beta@1.0.0"]
    seen = []
    for _ in range(9):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(browser.switch_to.active_element.text)
        outline = browser.switch_to.active_element.value_of_css_property("outline-style")
        assert outline != "none"
        if seen[-1] == "beta@1.0.0":
            break
    assert seen[-1] == "beta@1.0.0"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    arrive(browser, "beta-1.0.0.html")
    assert browser.find_element(By.TAG_NAME, "h1").text == "beta@1.0.0"


def test_text_from_elsewhere_stays_text(browser: Any, site: Path) -> None:
    for page in ("index.html", "versions/beta-1.0.0.html", "compare.html"):
        browser.get((site / page).as_uri())
        assert browser.title != "taken"
    browser.get((site / "versions/beta-1.0.0.html").as_uri())
    assert "<script>" in browser.find_element(By.TAG_NAME, "main").text


def test_components_are_searched_and_opened(browser: Any, site: Path) -> None:
    browser.get((site / "catalog.html").as_uri())
    browser.find_element(By.ID, "search").send_keys("conv1d")
    choose(browser, "kind", "layers")
    # In one question: one for each of some hundred components takes seconds.
    script = "return [...document.querySelectorAll('details')].filter(d => d.checkVisibility())"
    shown = browser.execute_script(script)
    names = [one.find_element(By.TAG_NAME, "strong").text for one in shown]
    assert "Conv1D" in names
    one = shown[names.index("Conv1D")]
    one.find_element(By.TAG_NAME, "summary").click()
    assert "kernel_size" in one.text


@pytest.mark.parametrize("page", ["index", "compare", "catalog", "versions/alpha-1.0.0"])
def test_nothing_is_wider_than_a_phone(browser: Any, site: Path, page: str) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get((site / f"{page}.html").as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("page", ["index", "compare", "catalog", "versions/alpha-1.0.0"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_followed_and_readable(
    browser: Any, site: Path, page: str, scheme: str
) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        browser.get((site / f"{page}.html").as_uri())
        paper, *inks = (
            luminance(browser.find_element(By.CSS_SELECTOR, name).value_of_css_property(key))
            for name, key in (
                ("body", "background-color"),
                ("body", "color"),
                ("a", "color"),
                ("main p, main .dim", "color"),
            )
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert (paper > 0.5) == (scheme == "light")
    for ink in inks:
        low, high = sorted((paper, ink))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
