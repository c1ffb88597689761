"""The cloud of the explorer in a real browser: limits, pointing, lines, zooming, and the keyboard."""

from pathlib import Path

import numpy as np
import polars as pl

from scripts.lib.jobs.storage import load_table
from tests.unit.report.browser import Page, needs_browser
from tests.unit.report.page.explorer import CONTROL, box_of, counted, text_of

pytestmark = needs_browser


def test_filters_of_the_cloud(page: Page, explored: Path) -> None:
    table = load_table(explored / "ensembles/clean.parquet").filter(consensus="average")
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
    macs = np.array(load_table(explored / "members.parquet").sort("position")["macs"].to_list()) / 1e6
    page.value(f"({type_in})('filter-accuracy', '')")
    costs = np.array([macs[row].sum() for row in kept["members"].to_list()])
    limit = np.sort(costs)[len(costs) // 2 :][:2].mean()  # between two of them
    page.value(f"({type_in})('filter-cost', '{limit}')")
    assert counted(page) == (costs <= limit).sum()
    page.value(f"({type_in})('filter-smallest', '9')")
    assert counted(page) == 0
    assert page.said == []


def test_hover_names_an_ensemble_and_a_click_loads_it(page: Page) -> None:
    left, top, width, height = box_of(page, "cloud")
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


def test_a_line_keeps_what_is_inside_of_it(page: Page, explored: Path) -> None:
    page.value("location.hash = '#members=&x=size&y=accuracy'")
    page.until("document.getElementById('cloud-x').value === 'size'")
    left, top, width, height = box_of(page, "cloud")
    # Sizes are 2 to 8, with 4 % of room on both sides: the middle of the axis is 5.
    start, end = left + 64, left + width - 14
    middle = (start + end) / 2
    corners = [(start - 5, top + 2), (middle, top + 2), (middle, top + height - 10), (start - 5, top + height - 10)]
    page.mouse("mousePressed", *corners[0])
    for x, y in (*corners[1:], corners[0]):
        page.mouse("mouseMoved", x - 3, y)
        page.mouse("mouseMoved", x - 3, y + 0.5)
    page.mouse("mouseReleased", *corners[0])
    table = load_table(explored / "ensembles/clean.parquet").filter(consensus="average")
    assert counted(page) == len(table.filter(pl.col("size") < 5))
    page.value("document.getElementById('cloud-clear').click()")
    assert counted(page) == 247


def test_the_cloud_with_the_keyboard_alone(page: Page) -> None:
    page.value("document.getElementById('cloud-in').focus()")
    page.press("Tab", 2)  # "Zoom out", and the cloud: what would change nothing is passed over
    assert page.value("document.activeElement.id") == "cloud"
    page.press("ArrowRight")
    first = text_of(page, "#cloud-tip")
    page.press("ArrowRight", 3)
    told = text_of(page, "#cloud-tip")
    assert first
    assert told != first
    page.press("Enter")
    assert f"members={','.join(told.split(':')[0].split(', '))}&" in page.value("location.hash")
