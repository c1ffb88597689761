"""The explorer in a real browser says what the tables say, and can be used with mouse, keyboard and address."""

from pathlib import Path
from typing import Any

import numpy as np

from scripts.lib.jobs.storage import load_json, load_table
from scripts.lib.report.labels import in_words, plain, signed
from tests.unit.report.browser import Browser, Page, needs_browser
from tests.unit.report.page.explorer import CELLS, CONTROL, READY, counted, names_of, shown_for, text_of

pytestmark = needs_browser


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


def test_the_numbers_of_random_ensembles_are_those_of_the_tables(page: Page, explored: Path) -> None:
    tables = {
        name: {
            (row["consensus"], *row["members"]): row
            for row in load_table(explored / f"ensembles/{name}.parquet").to_dicts()
        }
        for name in ("clean", "fog")
    }
    lists = [list(key[1:]) for key in tables["clean"] if key[0] == "vote"]
    chosen = [lists[row] for row in np.random.default_rng(1).permutation(len(lists))[:200]]
    shown = [rows for start in range(0, 200, 20) for rows in shown_for(page, explored, chosen[start : start + 20])]
    for members, rows in zip(chosen, shown, strict=True):
        of_sets = [row for row in rows if len(row) == 10]
        assert [[*row[:3], *row[4:]] for row in of_sets] == expected_rows(tables, members)
        similar = next(row for row in rows if row[0].startswith("Attribution similarity"))
        columns = [found[("vote", *members)]["attribution_similarity"] for found in tables.values()]
        assert similar[1:] == [plain(value, 4) for value in columns]
    assert page.said == []


def test_intervals_are_wilsons(page: Page, explored: Path) -> None:
    from scripts.lib.ensembles.intervals import wilson_interval

    [rows] = shown_for(page, explored, [[0, 3, 5]])
    right = round(float(rows[0][2]) * 300 / 100)
    low, high = wilson_interval(np.array([right]), 300)
    assert rows[0][3] == f"{plain(low[0], 2)}–{plain(high[0], 2)}"


def test_a_member_alone_and_no_member(page: Page, explored: Path) -> None:
    [rows] = shown_for(page, explored, [[4]])
    alone = load_table(explored / "accuracies/fog.parquet").sort("position")
    [row] = [row for row in rows if row[:2] == ["Fog", "majority vote"]]
    assert row[2] == plain(alone["accuracy"][4], 2)
    assert row[5:7] == ["+0.00", "+0.00"]
    [rows] = shown_for(page, explored, [[]])
    assert rows == []
    assert "No member is chosen" in text_of(page, "#explorer-summary")


def test_clicks_on_members_change_numbers_and_address(page: Page, explored: Path) -> None:
    page.value("[...document.querySelectorAll('.picker button')].find(b => b.textContent === 'None').click()")
    for member in (2, 6):
        page.value(f"document.querySelectorAll('.picker input[type=checkbox]')[{member}].click()")
    names = names_of(explored, [2, 6])
    assert f"members={','.join(names)}&set=clean" in page.value("location.hash")
    assert text_of(page, "#explorer-summary").startswith(f"2 members: {', '.join(names)}. On Clean: ")


def test_what_one_more_member_changes(page: Page, explored: Path) -> None:
    shown_for(page, explored, [[0, 1]])
    rows = page.value(CELLS.replace("ROWS", "document.querySelector('.columns table').tBodies[0].rows"))
    table = load_table(explored / "ensembles/clean.parquet").filter(consensus="average")
    accuracy = {tuple(row["members"]): row["accuracy"] for row in table.to_dicts()}
    expected = sorted((-accuracy[0, 1, other], other) for other in range(2, 8))
    assert rows == [
        [names_of(explored, [other])[0], plain(-value, 2), signed(-value - accuracy[0, 1], 2)]
        for value, other in expected
    ]
    page.value("document.querySelector('.columns table button.link').click()")
    assert text_of(page, "#explorer-summary").startswith("3 members: ")


def test_best_of_size_and_the_recommended_ensemble(page: Page, explored: Path) -> None:
    choose = CONTROL.replace("EVENT", "change")
    page.value(f"({choose})('explorer-set', '1')")
    page.value(f"({choose})('best-of-size', '3')")
    table = load_table(explored / "ensembles/fog.parquet").filter(consensus="average", size=3)
    assert f"On Fog: {plain(table['accuracy'].max(), 2)}" in text_of(page, "#explorer-summary")
    page.value("[...document.querySelectorAll('.picker button')].find(b => b.textContent.startsWith('Rec')).click()")
    chosen = load_table(explored / "deployment/fog.parquet").filter(consensus="average", chosen_for="size")
    best = chosen.sort("selection_accuracy", "size", descending=[True, False])["members"][0].to_list()
    assert f"members={','.join(names_of(explored, best))}&set=fog" in page.value("location.hash")


def test_members_are_chosen_with_the_keyboard_alone(page: Page, explored: Path) -> None:
    page.value("document.getElementById('member-search').focus()")
    page.press("Tab", 2)
    page.press("Enter")  # None
    page.press("Tab", 3)
    assert page.value("document.activeElement.type") == "checkbox"
    page.press(" ")
    assert text_of(page, "#explorer-summary").startswith(f"{names_of(explored, [0])[0]} alone")


def test_a_link_to_a_pair_opens_it_with_its_counts_and_pictures(explored: Path, browser: Browser) -> None:
    page = browser.new_page()
    a, b = names_of(explored, [1, 4])
    page.open(explored / "report.html", anchor=f"#members={a},{b}&set=fog&pair={a},{b}", wait=READY)
    page.until("document.querySelectorAll('#pair canvas').length > 0")
    table = load_table(explored / "member_pairs/fog.parquet").filter(member_a=a, member_b=b)
    cells = page.value(CELLS.replace("ROWS", "document.querySelector('#pair table').tBodies[0].rows"))
    [row] = table.to_dicts()
    numbers = [[int(cell.split(" ")[0]) for cell in line[1:]] for line in cells]
    assert numbers == [[row["both_right"], row["only_a"]], [row["only_b"], row["neither"]]]
    [gone] = [found["same_by_class"][2] for found in table.to_dicts()]
    of_class = load_json(explored / "member_pairs/fog.json")["class_samples"][2]
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


def test_wrong_addresses_change_nothing(explored: Path, browser: Browser) -> None:
    page = browser.new_page()
    anchor = "#members=nobody,%E0%A4%A&set=nowhere&consensus=none&x=<b>&y=none&colour=member:99&pair=a,b&measure=none"
    page.open(explored / "report.html", anchor=anchor, wait=READY)
    assert "No member is chosen" in text_of(page, "#explorer-summary")
    assert page.value("document.getElementById('explorer-set').value") == "0"
    assert page.value("document.getElementById('cloud-colour').value") == "size"
    assert counted(page) == 247
    assert page.said == []
