"""The explorer in a real browser says what the tables say, and can be used with mouse, keyboard and address."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.storage import load_json, load_table
from scripts.lib.report.build import build_report
from scripts.lib.report.labels import in_words, plain, signed
from tests.unit.report.browser import Browser, Page, needs_browser
from tests.unit.synthetic_study import make_study

pytestmark = needs_browser
READY = "document.documentElement?.dataset.explorer === 'ready'"
CONTROL = """(id, value) => {
    const control = document.getElementById(id);
    control.value = value;
    control.dispatchEvent(new Event('EVENT'));
}"""
CELLS = "[...ROWS].map(row => [...row.cells].map(cell => cell.textContent))"
ANSWERS = """[...document.querySelectorAll('#explorer-answers tbody tr')].map(
    row => [...row.cells].map(cell => cell.textContent))"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_study(tmp_path_factory.mktemp("explorer"), members=8, datasets=["clean", "fog"], baseline=True)
    build_report(folder, {}, folder / "report.html")
    return folder


@pytest.fixture
def page(study: Path, browser: Browser) -> Page:
    opened = browser.new_page()
    opened.open(study / "report.html", wait=READY)
    return opened


def text_of(page: Page, selector: str) -> str:
    return str(page.value(f"document.querySelector({json.dumps(selector)}).textContent"))


def names_of(study: Path, members: Sequence[int]) -> list[str]:
    every = [member["id"] for member in load_json(study / "study.json")["members"]]
    return [every[member] for member in members]


def shown_for(page: Page, study: Path, ensembles: Sequence[Sequence[int]]) -> list[list[list[str]]]:
    """The rows of all tables of numbers for each ensemble, asked for by the address."""
    anchors = [f"#members={','.join(map(quote, names_of(study, members)))}" for members in ensembles]
    script = f"""(async () => {{
      const found = [];
      for (const anchor of {json.dumps(anchors)}) {{
        const followed = new Promise((done) => addEventListener('hashchange', done, {{ once: true }}));
        location.hash = anchor;
        await followed;
        found.push({ANSWERS});
      }}
      return found;
    }})()"""
    return page.value(script)


def expected_rows(tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]], members: list[int]) -> list[list[str]]:
    """What the Parquet tables say of an ensemble, as the page writes it."""
    rows = []
    for dataset, found in tables.items():
        for way, title in (("average", "averaging of probabilities"), ("vote", "majority vote")):
            row = found[(way, *members)]
            scores = [plain(row[score], 4) for score in ("nll", "brier")]
            gains = [signed(row[f"improvement_over_{what}"], 2) for what in ("mean", "best", "baseline")]
            accuracy = [plain(row["accuracy"], 2), plain(row["mean_member_accuracy"], 2)]
            rows.append([in_words(dataset), title, *accuracy, *gains, *scores])
    return rows


def test_the_numbers_of_random_ensembles_are_those_of_the_tables(page: Page, study: Path) -> None:
    tables = {
        name: {
            (row["consensus"], *row["members"]): row
            for row in load_table(study / f"ensembles/{name}.parquet").to_dicts()
        }
        for name in ("clean", "fog")
    }
    lists = [list(key[1:]) for key in tables["clean"] if key[0] == "vote"]
    chosen = [lists[row] for row in np.random.default_rng(1).permutation(len(lists))[:200]]
    shown = [rows for start in range(0, 200, 20) for rows in shown_for(page, study, chosen[start : start + 20])]
    for members, rows in zip(chosen, shown, strict=True):
        of_sets = [row for row in rows if len(row) == 10]
        assert [[*row[:3], *row[4:]] for row in of_sets] == expected_rows(tables, members)
        similar = next(row for row in rows if row[0].startswith("Attribution similarity"))
        columns = [found[("vote", *members)]["attribution_similarity"] for found in tables.values()]
        assert similar[1:] == [plain(value, 4) for value in columns]
    assert page.said == []


def test_intervals_are_wilsons(page: Page, study: Path) -> None:
    from scripts.lib.ensembles.intervals import wilson_interval

    [rows] = shown_for(page, study, [[0, 3, 5]])
    right = round(float(rows[0][2]) * 300 / 100)
    low, high = wilson_interval(np.array([right]), 300)
    assert rows[0][3] == f"{plain(low[0], 2)}–{plain(high[0], 2)}"


def test_a_member_alone_and_no_member(page: Page, study: Path) -> None:
    [rows] = shown_for(page, study, [[4]])
    alone = load_table(study / "accuracies/fog.parquet").sort("position")
    [row] = [row for row in rows if row[:2] == ["Fog", "majority vote"]]
    assert row[2] == plain(alone["accuracy"][4], 2)
    assert row[5:7] == ["+0.00", "+0.00"]
    [rows] = shown_for(page, study, [[]])
    assert rows == []
    assert "No member is chosen" in text_of(page, "#explorer-summary")


def test_clicks_on_members_change_numbers_and_address(page: Page, study: Path) -> None:
    page.value("[...document.querySelectorAll('.picker button')].find(b => b.textContent === 'None').click()")
    for member in (2, 6):
        page.value(f"document.querySelectorAll('.picker input[type=checkbox]')[{member}].click()")
    names = names_of(study, [2, 6])
    assert f"members={','.join(names)}&set=clean" in page.value("location.hash")
    assert text_of(page, "#explorer-summary").startswith(f"2 members: {', '.join(names)}. On Clean: ")


def test_what_one_more_member_changes(page: Page, study: Path) -> None:
    shown_for(page, study, [[0, 1]])
    rows = page.value(CELLS.replace("ROWS", "document.querySelector('.columns table').tBodies[0].rows"))
    table = load_table(study / "ensembles/clean.parquet").filter(consensus="average")
    accuracy = {tuple(row["members"]): row["accuracy"] for row in table.to_dicts()}
    expected = sorted((-accuracy[0, 1, other], other) for other in range(2, 8))
    assert rows == [
        [names_of(study, [other])[0], plain(-value, 2), signed(-value - accuracy[0, 1], 2)] for value, other in expected
    ]
    page.value("document.querySelector('.columns table button.link').click()")
    assert text_of(page, "#explorer-summary").startswith("3 members: ")


def test_best_of_size_and_the_recommended_ensemble(page: Page, study: Path) -> None:
    choose = CONTROL.replace("EVENT", "change")
    page.value(f"({choose})('explorer-set', '1')")
    page.value(f"({choose})('best-of-size', '3')")
    table = load_table(study / "ensembles/fog.parquet").filter(consensus="average", size=3)
    assert f"On Fog: {plain(table['accuracy'].max(), 2)}" in text_of(page, "#explorer-summary")
    page.value("[...document.querySelectorAll('.picker button')].find(b => b.textContent.startsWith('Rec')).click()")
    chosen = load_table(study / "deployment/fog.parquet").filter(consensus="average", chosen_for="size")
    best = chosen.sort("selection_accuracy", "size", descending=[True, False])["members"][0].to_list()
    assert f"members={','.join(names_of(study, best))}&set=fog" in page.value("location.hash")


def counted(page: Page) -> int:
    return int(text_of(page, "#cloud-count").split(" of ")[0])


def test_filters_of_the_cloud(page: Page, study: Path) -> None:
    table = load_table(study / "ensembles/clean.parquet").filter(consensus="average")
    type_in, choose = (CONTROL.replace("EVENT", event) for event in ("input", "change"))
    assert counted(page) == 247
    page.value(f"({type_in})('filter-smallest', '3')")
    page.value(f"({type_in})('filter-largest', '4')")
    kept = table.filter(pl.col("size").is_between(3, 4))
    assert counted(page) == len(kept)
    page.value(f"({choose})('filter-member-2', 'with')")
    page.value(f"({choose})('filter-member-5', 'without')")
    kept = kept.filter(pl.col("members").list.contains(2) & ~pl.col("members").list.contains(5))
    assert counted(page) == len(kept)
    limit = float(kept["accuracy"].median())  # type: ignore[arg-type]
    page.value(f"({type_in})('filter-accuracy', '{limit}')")
    assert counted(page) == len(kept.filter(pl.col("accuracy") >= limit)) > 0
    macs = np.array(load_table(study / "members.parquet").sort("position")["macs"].to_list()) / 1e6
    page.value(f"({type_in})('filter-accuracy', '')")
    costs = np.array([macs[row].sum() for row in kept["members"].to_list()])
    limit = np.sort(costs)[len(costs) // 2 :][:2].mean()  # between two of them
    page.value(f"({type_in})('filter-cost', '{limit}')")
    assert counted(page) == (costs <= limit).sum()
    page.value(f"({type_in})('filter-smallest', '9')")
    assert counted(page) == 0
    assert page.said == []


def test_hover_names_an_ensemble_and_a_click_loads_it(page: Page) -> None:
    page.value("document.getElementById('cloud').scrollIntoView()")
    box = page.value(
        "(r => [r.left, r.top, r.width, r.height])(document.getElementById('cloud').getBoundingClientRect())"
    )
    left, top, width, height = box
    for share in np.linspace(0.2, 0.9, 30):
        x, y = left + share * width, top + height * 0.4
        page.mouse("mouseMoved", x, y)
        if told := text_of(page, "#cloud-tip"):
            break
    assert told, "no ensemble is near a line across the cloud"
    page.mouse("mousePressed", x, y)
    page.mouse("mouseReleased", x, y)
    members = told.split(":")[0].split(", ")
    assert f"members={','.join(members)}&" in page.value("location.hash")


def test_a_line_keeps_what_is_inside_of_it(page: Page, study: Path) -> None:
    page.value("location.hash = '#members=&x=size&y=accuracy'")
    page.until("document.getElementById('cloud-x').value === 'size'")
    page.value("document.getElementById('cloud').scrollIntoView()")
    left, top, width, height = page.value(
        "(r => [r.left, r.top, r.width, r.height])(document.getElementById('cloud').getBoundingClientRect())"
    )
    # Sizes are 2 to 8, with 4 % of room on both sides: the middle of the axis is 5.
    start, end = left + 64, left + width - 14
    middle = (start + end) / 2
    corners = [(start - 5, top + 2), (middle, top + 2), (middle, top + height - 10), (start - 5, top + height - 10)]
    page.mouse("mousePressed", *corners[0])
    for x, y in (*corners[1:], corners[0]):
        page.mouse("mouseMoved", x - 3, y)
        page.mouse("mouseMoved", x - 3, y + 0.5)
    page.mouse("mouseReleased", *corners[0])
    table = load_table(study / "ensembles/clean.parquet").filter(consensus="average")
    assert counted(page) == len(table.filter(pl.col("size") < 5))
    page.value("document.getElementById('cloud-clear').click()")
    assert counted(page) == 247


def test_the_cloud_with_the_keyboard_alone(page: Page) -> None:
    page.value("document.getElementById('filter-cost').focus()")
    page.press("Tab", 2)
    assert page.value("document.activeElement.id") == "cloud"
    page.press("ArrowRight")
    first = text_of(page, "#cloud-tip")
    page.press("ArrowRight", 3)
    told = text_of(page, "#cloud-tip")
    assert first
    assert told != first
    page.press("Enter")
    assert f"members={','.join(told.split(':')[0].split(', '))}&" in page.value("location.hash")


def test_members_are_chosen_with_the_keyboard_alone(page: Page, study: Path) -> None:
    page.value("document.getElementById('member-search').focus()")
    page.press("Tab", 2)
    page.press("Enter")  # None
    page.press("Tab", 3)
    assert page.value("document.activeElement.type") == "checkbox"
    page.press(" ")
    assert text_of(page, "#explorer-summary").startswith(f"{names_of(study, [0])[0]} alone")


def test_a_link_to_a_pair_opens_it_with_its_counts_and_pictures(study: Path, browser: Browser) -> None:
    page = browser.new_page()
    a, b = names_of(study, [1, 4])
    page.open(study / "report.html", anchor=f"#members={a},{b}&set=fog&pair={a},{b}", wait=READY)
    page.until("document.querySelectorAll('#pair canvas').length > 0")
    table = load_table(study / "member_pairs/fog.parquet").filter(member_a=a, member_b=b)
    cells = page.value(CELLS.replace("ROWS", "document.querySelector('#pair table').tBodies[0].rows"))
    [row] = table.to_dicts()
    numbers = [[int(cell.split(" ")[0]) for cell in line[1:]] for line in cells]
    assert numbers == [[row["both_right"], row["only_a"]], [row["only_b"], row["neither"]]]
    [gone] = [found["same_by_class"][2] for found in table.to_dicts()]
    of_class = load_json(study / "member_pairs/fog.json")["class_samples"][2]
    agreed = page.value("[...document.querySelectorAll('#pair details tbody tr')][2].cells[1].textContent")
    assert agreed == plain(100 * gone / of_class, 1)
    pressed = page.value("[...document.querySelectorAll('#pair-matrix [aria-pressed=true]')].map(b => b.ariaLabel)")
    assert len(pressed) == 2
    assert page.value("document.querySelector('#pair canvas').ariaLabel").startswith("Sample test/")
    assert page.said == []


def test_the_matrix_has_one_stop_of_the_tab_key_and_arrow_keys_inside(page: Page) -> None:
    page.value("document.getElementById('pair-measure').focus()")
    page.press("Tab")
    first = page.value("document.activeElement.dataset.pair")
    page.press("ArrowDown")
    page.press("ArrowDown")
    second = page.value("document.activeElement.dataset.pair")
    assert first
    assert second not in (None, first)
    page.press("Enter")
    page.until("document.querySelector('#pair h4') !== null")
    names = text_of(page, "#pair h4").removesuffix(" on Clean").split(" and ")
    assert page.value("location.hash").endswith(f"pair={','.join(names)}")


def test_wrong_addresses_change_nothing(study: Path, browser: Browser) -> None:
    page = browser.new_page()
    anchor = "#members=nobody,%E0%A4%A&set=nowhere&consensus=none&x=<b>&y=none&colour=member:99&pair=a,b&measure=none"
    page.open(study / "report.html", anchor=anchor, wait=READY)
    assert "No member is chosen" in text_of(page, "#explorer-summary")
    assert page.value("document.getElementById('explorer-set').value") == "0"
    assert page.value("document.getElementById('cloud-colour').value") == "size"
    assert counted(page) == 247
    assert page.said == []


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


def test_without_javascript_the_report_is_whole(study: Path, browser: Browser) -> None:
    page = browser.new_page(javascript=False)
    page.call("Page.navigate", url=(study / "report.html").as_uri())
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
