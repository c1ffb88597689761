"""The whole report in a real browser: widths, dark, on paper, without JavaScript, without a network."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.browser import Browser, Page, needs_browser

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
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "checkbox", "combobox", "searchbox", "spinbutton", "textbox", "image", "application", "img"}
    controls = [node for node in nodes if node.get("role", {}).get("value") in roles and not node["ignored"]]
    assert len(controls) > 50
    assert [node for node in controls if not node.get("name", {}).get("value")] == []


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
    import time

    for _ in range(200):
        root = page.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        found: dict[str, Any] = page.call("DOM.querySelector", nodeId=root, selector="#files")
        if found["nodeId"]:
            body = page.call("DOM.querySelector", nodeId=root, selector="body")
            return str(page.call("DOM.getOuterHTML", nodeId=body["nodeId"])["outerHTML"])
        time.sleep(0.05)
    raise AssertionError("the page did not appear")
