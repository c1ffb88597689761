"""The explorer of studies of one, two, twenty and a thousand members, and with names that are no ordinary words."""

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.explorer import rows as rows_module
from scripts.lib.report.labels import plain
from tests.unit.report.browser import Browser, Page, needs_browser
from tests.unit.report.page.studies import page_of, small_study

pytestmark = needs_browser
READY = "document.documentElement?.dataset.explorer === 'ready'"


def opened(
    folder: Path, browser: Browser, names: Sequence[str], lists: Sequence[Sequence[int]], datasets: Sequence[str]
) -> Page:
    page = browser.new_page()
    page.open(page_of(folder, small_study(folder, names, lists, datasets)), wait=READY)
    return page


def summary(page: Page) -> str:
    return str(page.value("document.getElementById('explorer-summary').textContent"))


def asked(page: Page, members: Sequence[int]) -> str:
    """The summary of an ensemble that is chosen by its checkboxes."""
    page.value("[...document.querySelectorAll('.picker button')].find(b => b.textContent === 'None').click()")
    for member in members:
        page.value(f"document.querySelector('.picker input[value=\"{member}\"]').click()")
    return summary(page)


@pytest.mark.parametrize("datasets", [["clean"], [f"set_{i}" for i in range(20)]], ids=["one set", "twenty sets"])
def test_one_member(tmp_path: Path, browser: Browser, datasets: list[str]) -> None:
    page = opened(tmp_path, browser, ["alone"], [], datasets)
    assert summary(page).startswith("alone alone. On ")
    rows = page.value("document.querySelectorAll('#explorer-answers tbody tr').length")
    assert rows == 2 * len(datasets) + 1  # by two consensus, and the cost
    assert "no pairs" in page.value("document.getElementById('explorer-content').textContent")
    assert page.said == []


def test_two_members(tmp_path: Path, browser: Browser) -> None:
    page = opened(tmp_path, browser, ["a", "b"], [(0, 1)], ["clean"])
    accuracy = load_table(tmp_path / "ensembles/clean.parquet")["accuracy"][0]
    assert asked(page, [0, 1]).startswith(f"2 members: a, b. On Clean: {plain(accuracy, 2)}")
    assert page.value("document.querySelectorAll('#pair-matrix button').length") == 2
    assert page.value("document.getElementById('cloud-count').textContent") == "1 of 1 ensembles are shown, on Clean."
    page.value("document.querySelector('#pair-matrix button').click()")
    page.until("document.querySelector('#pair table') !== null")
    assert page.said == []


def test_twenty_members_of_which_a_part_is_shown(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "MOST_ROWS", 100)
    lists = [*combinations(range(20), 2), *combinations(range(20), 3)]
    page = opened(tmp_path, browser, [f"m{i}" for i in range(20)], lists, ["clean", "fog"])
    text = page.value("document.getElementById('explorer-content').textContent")
    assert "1\u202f330 ensembles were evaluated. This page has 100 of them, equally many of each size" in text
    table = load_table(tmp_path / "ensembles/clean.parquet")
    assert asked(page, lists[0]).startswith(f"2 members: m0, m1. On Clean: {plain(table['accuracy'][0], 2)}")
    assert "was not evaluated, or is not among those in this page" in asked(page, [0, 1, 2, 3])
    rows = page.value("document.querySelector('#explorer-answers tbody tr').cells[4].textContent")
    alone = load_table(tmp_path / "accuracies/clean.parquet")["accuracy"].to_numpy()
    assert rows == plain(float(alone[:4].mean()), 2), "the mean of its members is known all the same"
    assert page.said == []


def test_an_ensemble_that_only_a_search_found_has_its_accuracy(tmp_path: Path, browser: Browser) -> None:
    names, lists = [f"m{i}" for i in range(20)], list(combinations(range(20), 2))
    page = browser.new_page()
    page.open(page_of(tmp_path, small_study(tmp_path, names, lists, chosen=[0, 1, 2, 3])), wait=READY)
    # 11 of 20 samples and 12 of the other 20.
    assert summary(page).startswith("4 members: m0, m1, m2, m3. On Clean: 57.50")
    assert "was not evaluated" in asked(page, [0, 1, 2, 4])
    assert page.said == []


def test_scores_that_are_not_in_the_page_are_no_axes_and_the_page_says_so(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = "[...document.getElementById('cloud-y').options].map(o => o.value)"
    note = "NLL and Brier score of ensembles are only in the tables"
    content = "document.getElementById('explorer-content').textContent"
    for room in (True, False):
        if not room:
            monkeypatch.setattr(rows_module, "MOST_BYTES", 0)
        page = opened(tmp_path, browser, ["a", "b", "c"], [(0, 1), (0, 2), (1, 2), (0, 1, 2)], ["clean"])
        assert ({"nll", "brier"} <= set(page.value(axes))) is room
        assert (note in page.value(content)) is not room
        asked(page, [0, 2])
        cells = page.value("[...document.querySelector('#explorer-answers tbody tr').cells].map(c => c.textContent)")
        assert cells[-2:] == (["0.2500", "0.1250"] if room else ["–", "–"])
        assert page.said == []


def test_a_thousand_members(tmp_path: Path, browser: Browser) -> None:
    random = np.random.default_rng(0)
    lists = sorted({tuple(sorted(random.choice(1000, 3, replace=False).tolist())) for _ in range(200)})
    page = opened(tmp_path, browser, [f"m{i}" for i in range(1000)], lists, ["clean"])
    table = load_table(tmp_path / "ensembles/clean.parquet")
    assert f"On Clean: {plain(table['accuracy'][7], 2)}" in asked(page, lists[7])
    text = page.value("document.getElementById('explorer-content').textContent")
    assert "200 ensembles of two and more members were evaluated" in text
    assert "Pairs are shown here for up to 64 members" in text
    cells = page.value("[...document.querySelectorAll('#explorer-answers tbody tr')].map(r => r.cells[0].textContent)")
    assert "Prediction disagreement (%)" in cells
    page.value("document.getElementById('member-search').value = 'm999'")
    page.value("document.getElementById('member-search').dispatchEvent(new Event('input'))")
    assert page.value("document.querySelectorAll('.picker li:not([hidden])').length") == 1
    assert page.said == []


ODD_NAMES = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "quotes \"double\" and 'single' & <b>",
    "ünïcödé 模型 🙂",
    "a,b=c#d&e%20f+g h",
    "x" * 200,
)


def test_names_are_text_whatever_they_hold(tmp_path: Path, browser: Browser) -> None:
    lists = [row for size in range(2, 7) for row in combinations(range(6), size)]
    page = opened(tmp_path, browser, ODD_NAMES, lists, ["clean"])
    labels = page.value(
        "[...document.querySelectorAll('.picker li span:first-of-type')].map(s => s.textContent.slice(1))"
    )
    assert tuple(labels) == ODD_NAMES
    assert page.value("document.querySelectorAll('img, #explorer-content script, #explorer-content b').length") == 0
    assert asked(page, range(6)).startswith(f"6 members: {', '.join(ODD_NAMES)}. On Clean: ")
    page.value("document.querySelector('#pair-matrix button').click()")
    page.until("document.querySelector('#pair table') !== null")
    anchor = page.value("location.hash")
    for width in (390, 1280):
        page.resize(width)
        assert page.value("document.documentElement.scrollWidth") <= width
    again = browser.new_page()
    again.open(tmp_path / "page.html", anchor=anchor, wait=READY)
    assert summary(again) == summary(page)
    assert again.value("location.hash") == anchor
    assert json.dumps(again.said + page.said) == "[]"
