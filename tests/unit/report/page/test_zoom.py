"""Zooming into the cloud, and the density of very many ensembles, in a real browser."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from tests.unit.report.browser import Browser, Page, eventually, needs_browser
from tests.unit.report.page.explorer import CONTROL, READY, box_of, counted, text_of
from tests.unit.report.page.studies import made_up_block, written_page

pytestmark = needs_browser
MEMBERS = 16
ANCHOR = "#members=m0,m1&x=mean_member&y=accuracy"
MARGIN = {"left": 64, "right": 14, "top": 12, "bottom": 46}
VISIBLE = "!document.getElementById('cloud-scale').hidden"


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Mean accuracy of the members and accuracy of all ensembles of two and more, float64 [E, 2], in percent."""
    block, right = made_up_block(MEMBERS)
    alone = np.array(block["datasets"][0]["right"])
    chosen = (np.arange(2**MEMBERS)[:, None] >> np.arange(MEMBERS)) & 1
    several = chosen.sum(1) > 1
    found = np.stack([(chosen @ alone)[several] / chosen.sum(1)[several], right[several]], 1)
    return 100 * found / block["datasets"][0]["samples"]


@pytest.fixture
def many(browser: Browser, tmp_path: Path) -> Page:
    page = browser.new_page()
    page.open(written_page(tmp_path, made_up_block(MEMBERS)[0]), anchor=ANCHOR, wait=READY)
    return page


def whole_axes(points: np.ndarray) -> np.ndarray:
    """The ends of both axes, float64 [2, 2]: 4 % of room on both sides."""
    low, high = points.min(0), points.max(0)
    room = 0.04 * (high - low)
    return np.stack([low - room, high + room])


def inside(points: np.ndarray, axes: np.ndarray) -> int:
    return int(((points >= axes[0]) & (points <= axes[1])).all(1).sum())


def middle_half(axes: np.ndarray) -> np.ndarray:
    centre, quarter = axes.mean(0), (axes[1] - axes[0]) / 4
    return np.stack([centre - quarter, centre + quarter])


def click(page: Page, identifier: str) -> None:
    page.value(f"document.getElementById('{identifier}').click()")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse("mouseMoved", *start)
    page.mouse("mousePressed", *start)
    page.mouse("mouseMoved", (start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse("mouseMoved", *end)
    page.mouse("mouseReleased", *end)


def test_very_many_ensembles_are_a_density_whose_cells_say_how_many(many: Page, points: np.ndarray) -> None:
    assert counted(many) == len(points) == 2**MEMBERS - MEMBERS - 1
    assert many.value(VISIBLE)
    assert "how many ensembles are at a place" in text_of(many, "#cloud-legend")
    left, top, width, height = box_of(many, "cloud")
    size = [width - MARGIN["left"] - MARGIN["right"], height - MARGIN["top"] - MARGIN["bottom"]]
    columns, lines = (math.floor(pixels / 4 + 0.5) for pixels in size)
    axes = whole_axes(points)
    expected, _, _ = np.histogram2d(*points.T, bins=(columns, lines), range=axes.T)
    label = many.value("document.getElementById('cloud-scale').ariaLabel").replace("\u202f", "")
    assert label == f"Colours from 1 to {expected.max():.0f} ensembles in a cell"
    cells = [np.argwhere(expected == count)[0] for count in (expected.max(), 2, 10, 100, 0)]
    for column, line in cells:
        x = left + MARGIN["left"] + (column + 0.5) * size[0] / columns
        y = top + height - MARGIN["bottom"] - (line + 0.5) * size[1] / lines
        many.mouse("mouseMoved", x, y)
        told = re.match("([\\d\u202f]+) ensembles are here", text_of(many, "#cloud-tip"))
        count = int(told[1].replace("\u202f", "")) if told else 0
        assert count == expected[column, line]
    assert many.said == []


def test_zooming_in_shows_the_middle_and_then_single_points(many: Page, points: np.ndarray) -> None:
    axes = middle_half(whole_axes(points))
    click(many, "cloud-in")
    assert counted(many) == inside(points, axes)
    assert f"{len(points) - inside(points, axes)}" in text_of(many, "#cloud-count").replace("\u202f", "")
    click(many, "cloud-in")
    few = inside(points, middle_half(axes))
    assert counted(many) == few
    assert 0 < few < 50_000
    assert not many.value(VISIBLE)
    assert "dark blue (few members)" in text_of(many, "#cloud-legend")
    rows = many.value("[...document.querySelectorAll('#cloud-best tbody tr')].map(r => r.cells[2].textContent)")
    within = points[((points >= middle_half(axes)[0]) & (points <= middle_half(axes)[1])).all(1)]
    assert rows == [f"{value:.3f}" for value in np.sort(within[:, 1])[::-1][:20]], "the list is of what is shown"
    click(many, "cloud-all")
    assert counted(many) == len(points)
    assert many.value(VISIBLE)
    assert many.value("document.getElementById('cloud-all').disabled")


def test_a_click_on_a_dense_place_zooms_in_and_on_a_point_chooses_it(many: Page, points: np.ndarray) -> None:
    left, top, width, height = box_of(many, "cloud")
    axes = whole_axes(points)
    share = (np.median(points, 0) - axes[0]) / (axes[1] - axes[0])
    x = left + MARGIN["left"] + share[0] * (width - 78)
    y = top + height - MARGIN["bottom"] - share[1] * (height - 58)
    before = counted(many)
    for _ in range(30):
        many.mouse("mouseMoved", x, y)
        if "A click zooms in" not in text_of(many, "#cloud-tip"):
            break
        many.mouse("mousePressed", x, y)
        many.mouse("mouseReleased", x, y)
    assert 0 < counted(many) < before
    assert "members=m0,m1&" in many.value("location.hash"), "nothing was chosen yet"
    members = text_of(many, "#cloud-tip").split(":")[0].split(", ")
    many.mouse("mousePressed", x, y)
    many.mouse("mouseReleased", x, y)
    assert f"members={','.join(members)}&" in many.value("location.hash")


def test_a_rectangle_a_move_and_the_wheel(many: Page, points: np.ndarray) -> None:
    left, top, width, height = box_of(many, "cloud")
    many.value(f"({CONTROL.replace('EVENT', 'change')})('cloud-drag', 'zoom')")
    right, bottom = left + width - MARGIN["right"], top + height - MARGIN["bottom"]
    left, top = left + MARGIN["left"], top + MARGIN["top"]
    corner, other = (left + 200, top + 50), (left + 600, top + 250)
    drag(many, corner, other)
    axes = whole_axes(points)
    span = axes[1] - axes[0]
    shares = np.array([[200, bottom - top - 250], [600, bottom - top - 50]]) / [right - left, bottom - top]
    shown = axes[0] + shares * span
    assert counted(many) == inside(points, shown)
    many.value(f"({CONTROL.replace('EVENT', 'change')})('cloud-drag', 'move')")
    drag(many, (left + 300, top + 100), (left + 400, top + 60))
    step = (shown[1] - shown[0]) * [-100 / (right - left), -40 / (bottom - top)]
    assert abs(counted(many) - inside(points, shown + step)) <= 2, "but for points on an edge"
    click(many, "cloud-all")
    left, top, width, height = box_of(many, "cloud")
    x, y = left + MARGIN["left"] + 100, top + MARGIN["top"] + 100
    many.wheel(x, y, -100, held="Ctrl")
    many.until(f"!document.getElementById('cloud-count').textContent.startsWith('{whole(len(points))} of')")
    at = axes[0] + span * [100 / (width - 78), 1 - 100 / (height - 58)]
    assert abs(counted(many) - inside(points, at + (axes - at) / 2)) < 30, "a wheel's place is in whole pixels"
    shown, scrolled = counted(many), many.value("scrollY")
    many.wheel(x, y, -100)
    many.until(f"scrollY < {scrolled}")
    assert counted(many) == shown, "the wheel alone moves the page"


def whole(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")


def test_zooming_with_the_keyboard_alone(many: Page, points: np.ndarray) -> None:
    many.value("document.getElementById('cloud').focus()")
    axes = whole_axes(points)
    many.press("+")
    axes = middle_half(axes)
    assert counted(many) == inside(points, axes)
    many.press("ArrowRight", held="Shift")
    axes = axes + (axes[1] - axes[0]) * [0.25, 0]
    assert counted(many) == inside(points, axes)
    many.press("ArrowDown", held="Shift")
    axes = axes - (axes[1] - axes[0]) * [0, 0.25]
    assert counted(many) == inside(points, axes)
    many.press("ArrowRight")
    told = text_of(many, "#cloud-tip")
    assert float(told.rsplit(" ", 1)[1]) == pytest.approx(points[within(points, axes)][:, 0].min(), abs=0.001)
    many.press("-", 3)
    assert counted(many) == len(points)
    many.press("+", 2)
    many.press("0")
    assert counted(many) == len(points)
    assert many.said == []


def within(points: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return np.asarray(((points >= axes[0]) & (points <= axes[1])).all(1))


def test_other_axes_are_shown_whole_and_another_colour_keeps_the_view(many: Page, points: np.ndarray) -> None:
    click(many, "cloud-in")
    shown = counted(many)
    many.value(f"({CONTROL.replace('EVENT', 'change')})('cloud-colour', 'member:3')")
    assert counted(many) == shown
    many.value(f"({CONTROL.replace('EVENT', 'change')})('cloud-x', 'size')")
    assert counted(many) == len(points)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_fewest_and_the_most_can_be_told_from_the_page(many: Page, scheme: str) -> None:
    """The colour of a cell with one ensemble has a contrast of 3 to the page (WCAG 1.4.11)."""
    many.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    pixels = """(() => {
        const canvas = document.getElementById('cloud-scale');
        const at = (x) => [...canvas.getContext('2d').getImageData(x, 4, 1, 1).data].slice(0, 3);
        const page = getComputedStyle(document.body).backgroundColor;
        return [at(25), at(canvas.width - 26), page.match(/\\d+/g).map(Number)];
    })()"""
    many.value("document.getElementById('cloud').scrollIntoView()")

    def contrasts() -> tuple[float, float]:
        fewest, most, page = (luminance(colour) for colour in many.value(pixels))
        return (max(fewest, page) + 0.05) / (min(fewest, page) + 0.05), (most + 0.05) / (fewest + 0.05)

    # The page draws the bar again when it hears of the other scheme.
    assert eventually(lambda: min(contrasts()) >= 3), contrasts()


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (one / 255 for one in colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))
