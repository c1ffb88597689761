"""The whole report in a real browser: widths, dark, on paper, without JavaScript, without a network."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scripts.lib.report.build import build_report
from tests.unit.report.browser import Browser, Page, eventually, needs_browser
from tests.unit.report.page.explorer import READY

pytestmark = needs_browser


def test_nothing_is_asked_of_a_network_and_nothing_is_said(page: Page) -> None:
    page.value("document.querySelector('#pair-matrix button').click()")
    page.until("document.querySelectorAll('#pair canvas').length > 0")
    assert page.requests
    assert all(re.match(r"file:|data:|blob:", request) for request in page.requests)
    assert page.said == []


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_has_a_page_that_moves_sideways(page: Page, width: int, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.resize(width, mobile=width < 500)
    page.value("document.querySelector('#pair-matrix button').click()")
    page.until("document.querySelectorAll('#pair canvas').length > 0")
    assert page.value("document.documentElement.scrollWidth") <= width
    assert page.value("document.querySelector('#cloud').clientWidth") <= width
    background = page.value("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 23, 26)")


def test_every_control_has_a_name(page: Page) -> None:
    page.value("document.querySelector('#pair-matrix button').click()")
    roles = {"button", "checkbox", "combobox", "searchbox", "spinbutton", "textbox", "image", "application", "img"}

    def unnamed() -> list[Any]:
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        controls = [node for node in nodes if node.get("role", {}).get("value") in roles and not node["ignored"]]
        assert len(controls) > 50
        return [node for node in controls if not node.get("name", {}).get("value")]

    # What the click replaces may still be in the tree, without its name.
    assert eventually(lambda: not unnamed()), unnamed()


def test_print_shows_the_report_without_the_explorer(page: Page) -> None:
    page.call("Emulation.setEmulatedMedia", media="print")
    shown = "e => getComputedStyle(document.querySelector(e)).display !== 'none'"
    assert [page.value(f"({shown})('{one}')") for one in ("#explorer", "#contents", ".tools")] == [False] * 3
    assert [page.value(f"({shown})('{one}')") for one in ("#findings", "#figures", "#tables table")] == [True] * 3


def test_without_javascript_the_report_is_whole(explored: Path, browser: Browser) -> None:
    page = browser.new_page(javascript=False)
    page.call("Page.navigate", url=(explored / "report.html").as_uri())
    text = whole_text(page)
    assert "The explorer needs JavaScript" in text
    assert "Top-1 accuracy of each member" in text
    assert 'class="tools"' not in text


def whole_text(page: Page) -> str:
    """The text of a page in which no script may run."""
    found = ""

    def read() -> bool:
        nonlocal found
        try:
            root = page.call("DOM.getDocument", depth=0)["root"]["nodeId"]
            if not page.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]:
                return False
            body = page.call("DOM.querySelector", nodeId=root, selector="body")
            found = str(page.call("DOM.getOuterHTML", nodeId=body["nodeId"])["outerHTML"])
        except AssertionError:  # the page was replaced by that to which it goes
            return False
        return True

    assert eventually(read), "the page did not come"
    return found


@pytest.fixture(scope="module")
def illustrated(explored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with three figures of the usual size."""
    folder, pictures = tmp_path_factory.mktemp("illustrated"), {}
    for name in ("first", "second", "third"):
        Image.new("RGB", (1440, 1600), "white").save(folder / f"{name}.png")
        words = {
            "name": name,
            "title": f"The {name}",
            "caption": "Caption.",
            "alternative": "White",
            "photographs": False,
        }
        pictures[str(folder / f"{name}.png")] = words
    build_report(explored, pictures, folder / "report.html")
    return folder / "report.html"


def test_labels_of_figures_can_be_read_on_a_phone_and_print_is_as_before(illustrated: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.open(illustrated, wait=READY)
    width = "document.querySelector('figure img').getBoundingClientRect().width"
    hint = "getComputedStyle(document.querySelector('.sideways')).display"
    page.resize(390, mobile=True)
    padding = 2 * 13
    label = 7 * 200 / 72 * (page.value(width) - padding) / 1440  # 7 points at 200 pixels an inch
    assert label >= 12
    assert page.value(hint) == "block"
    assert page.value("document.documentElement.scrollWidth") <= 390
    frame = "document.querySelector('.picture')"
    assert page.value(f"{frame}.scrollWidth > {frame}.clientWidth && {frame}.tabIndex === 0")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.value(hint) == "none"
    assert page.value(width) <= 390
    page.call("Emulation.setEmulatedMedia", media="")
    page.resize(1280)
    assert page.value(hint) == "none"
    assert page.value(width) <= 1280


CURRENT = "[...document.querySelectorAll('#contents [aria-current]')].map(a => a.textContent)"


def test_the_contents_say_where_the_reader_is(illustrated: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.resize(1600)
    page.open(illustrated, wait=READY)
    for anchor, expected in (
        ("#observations", ["The paper's observations"]),
        ("#figure-second", ["Figures", "The second"]),
        ("#tables", ["Tables"]),
    ):
        page.value(f"location.hash = '{anchor}'")
        page.until(f"{CURRENT}.join() === {json.dumps(','.join(expected))}")
    page.value("scrollTo(0, 0)")
    page.until(f"{CURRENT}.join() === 'Findings'")
    assert page.said == []


def accessible(page: Page) -> list[dict[str, Any]]:
    """What a screen reader finds, with its name and role, once the contents are there."""
    for _ in range(200):
        nodes: list[dict[str, Any]] = page.call("Accessibility.getFullAXTree")["nodes"]
        if any(node.get("name", {}).get("value") == "Data files" for node in nodes):
            return nodes
        time.sleep(0.05)
    raise AssertionError("the page did not appear")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_list_of_figures_opens_without_javascript(illustrated: Path, browser: Browser, javascript: bool) -> None:
    page = browser.new_page(javascript)
    page.resize(1600)
    page.call("Page.navigate", url=illustrated.as_uri())
    for opened in (False, True):
        nodes = accessible(page)
        links = {node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "link"}
        assert ("The third" in links) is opened
        assert {"Figures", "Tables"} <= links
        [box] = [node for node in nodes if node.get("name", {}).get("value") == "All 3"][:1]
        model = page.call("DOM.getBoxModel", backendNodeId=box["backendDOMNodeId"])["model"]["content"]
        for kind in ("mousePressed", "mouseReleased"):
            page.mouse(kind, (model[0] + model[2]) / 2, (model[1] + model[5]) / 2)


def test_a_narrow_window_has_one_line_of_contents(illustrated: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.resize(800)
    page.open(illustrated, wait=READY)
    assert page.value("getComputedStyle(document.querySelector('#contents details')).display") == "none"
    assert page.value("document.getElementById('contents').getBoundingClientRect().height") < 60
