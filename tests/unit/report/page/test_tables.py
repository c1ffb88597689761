"""The tables of the report in a real browser: sorted, filtered and saved as they are shown."""

import csv
import io
from pathlib import Path

import pytest

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.build import build_report
from tests.unit.report.browser import Browser, Page, needs_browser

pytestmark = needs_browser
# The table of the members' accuracies.
TABLE = "[...document.querySelectorAll('#tables table')].find(t => t.caption.textContent.startsWith('Top-1 accuracy'))"
FIRST = f"[...({TABLE}).tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[0].textContent)"


@pytest.fixture
def page(study: Path, browser: Browser, tmp_path: Path) -> Page:
    build_report(study, {}, tmp_path / "report.html")
    opened = browser.new_page()
    opened.open(tmp_path / "report.html", wait="document.querySelectorAll('thead button').length > 0")
    return opened


def test_a_click_on_a_head_sorts_and_another_turns_the_order_round(page: Page, study: Path) -> None:
    table = load_table(study / "accuracies/clean.parquet").sort("accuracy")
    page.value(f"({TABLE}).tHead.rows[0].cells[1].querySelector('button').click()")
    assert page.value(FIRST) == table["member"].to_list()
    assert page.value(f"({TABLE}).tHead.rows[0].cells[1].ariaSort") == "ascending"
    page.value(f"({TABLE}).tHead.rows[0].cells[1].querySelector('button').click()")
    assert page.value(FIRST) == table["member"].to_list()[::-1]
    page.value(f"({TABLE}).tHead.rows[0].cells[0].querySelector('button').click()")
    assert page.value(FIRST) == sorted(table["member"], key=str.lower)
    assert page.value(f"({TABLE}).tHead.rows[0].cells[1].ariaSort") is None


def test_heads_stay_where_a_long_table_is_scrolled(page: Page) -> None:
    assert page.value(f"getComputedStyle(({TABLE}).tHead.rows[0].cells[0]).position") == "sticky"


def test_a_long_table_is_filtered_and_saved_as_it_is_shown(page: Page, tmp_path: Path) -> None:
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "saved"))
    long = "[...document.querySelectorAll('table')].find(t => t.tBodies[0].rows.length > 12)"
    tools = f"({long}).closest('.scroll').previousElementSibling"
    filter_by = "(input => { input.value = 'NOISE'; input.dispatchEvent(new Event('input')) })"
    page.value(f"{filter_by}({tools}.querySelector('input'))")
    shown = page.value(
        f"[...({long}).rows].filter(r => !r.hidden).map(r => [...r.cells].map(c => c.textContent.trim()))"
    )
    assert 1 < len(shown) < 12
    assert all(row[0] == "Noise" for row in shown[1:])
    page.value(f"{tools}.querySelector('button').click()")
    saved = waited_for(tmp_path / "saved")
    assert list(csv.reader(io.StringIO(saved.read_text(encoding="utf-8")))) == shown


def waited_for(folder: Path) -> Path:
    import time

    for _ in range(200):
        files = [path for path in folder.glob("*.csv") if path.stat().st_size] if folder.exists() else []
        if files:
            return files[0]
        time.sleep(0.05)
    raise AssertionError("nothing was saved")


def test_the_contents_list_stays(page: Page) -> None:
    for width in (390, 1280, 1600):
        page.resize(width)
        page.value("scrollTo(0, 5000)")
        top = page.value("document.getElementById('contents').getBoundingClientRect().top")
        assert top == 0


def test_figures_keep_their_hues_in_the_dark_but_photographs_are_as_they_are(page: Page) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.value("""document.getElementById('figures').insertAdjacentHTML('beforeend',
        '<figure><img class="drawing"><img class="photographs"></figure>')""")
    found = page.value("[...document.querySelectorAll('#figures img')].map(i => getComputedStyle(i).filter)")
    assert found[0].startswith("invert(0.93) hue-rotate(180deg)")
    assert found[1] == "none"
