"""The functions of the page that touch no page, called in a real browser."""

import json
from typing import Any

import numpy as np
import pytest

from scripts.lib.ensembles.intervals import wilson_interval
from scripts.lib.jobs.paths import ROOT
from scripts.lib.report.labels import plain, signed
from scripts.lib.report.page import EXPORT, IMPORT, MODULES
from tests.unit.report.browser import Browser, Page, needs_browser

pytestmark = needs_browser


@pytest.fixture(scope="module")
def functions(browser: Browser) -> Page:
    """A page in which the modules are global."""
    page = browser.new_page()
    texts = [(ROOT / f"report/page/{name}.js").read_text(encoding="utf-8") for name in MODULES]
    page.value("\n".join(EXPORT.sub("", IMPORT.sub("", text)) for text in texts) + "\n0")
    return page


def called(page: Page, name: str, *arguments: Any) -> Any:
    return page.value(f"{name}({', '.join(map(json.dumps, arguments))})")


VALUES = (0.125, 0.375, 74.75, 74.25, -0.125, -0.004, 0.0, 1.45, 2.675, 1e-9, 99.995, 1234.5, -0.5)


@pytest.mark.parametrize("digits", [0, 1, 2, 3])
def test_numbers_are_written_as_in_the_tables(functions: Page, digits: int) -> None:
    random = np.random.default_rng(0)
    values = [
        *VALUES,
        *np.round(random.normal(0, 50, 200), 3).tolist(),
        *(random.integers(-999, 999, 200) / 8).tolist(),
    ]
    found = functions.value(f"{json.dumps(values)}.map(v => [plain(v, {digits}), signed(v, {digits})])")
    for value, (one, other) in zip(values, found, strict=True):
        if value < 0 and float(f"{value:.{digits}f}") == 0:
            assert one == f"{0:.{digits}f}", "the page writes no negative zero"
        else:
            assert (one, other) == (plain(value, digits), signed(value, digits)), value


def test_no_number_is_a_dash(functions: Page) -> None:
    assert functions.value("[NaN, Infinity, null, undefined].map(v => plain(v) + signed(v))") == ["––"] * 4


@pytest.mark.parametrize(("right", "samples"), [(0, 10), (10, 10), (1, 1), (0, 1), (777, 1000), (49_999, 50_000)])
def test_wilson_intervals(functions: Page, right: int, samples: int) -> None:
    low, high = wilson_interval(np.array([right]), samples)
    assert called(functions, "wilson", right, samples) == pytest.approx([low[0], high[0]], abs=1e-10)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5", 12.5),
        ("−3.25", -3.25),
        ("+0.4 to +1.2", 0.4),
        ("84.0 (82.1–85.8)", 84),
        ("(+0.3)", 0.3),
        ("1 234", 1),
        ("32\u202f752", 32752),
        ("1 min 42 s", 102),
        ("2 h 03 min", 7380),
        ("1.5 s", 1.5),
        ("1.5 samples", 1.5),
        ("3e-05", 3e-5),
    ],
)
def test_the_number_that_a_cell_begins_with(functions: Page, text: str, number: float) -> None:
    assert called(functions, "numberIn", text) == pytest.approx(number)


def test_cells_without_a_number_come_last_in_both_directions(functions: Page) -> None:
    cells = ["–", "2", "−1", "< 0.001", "0.001", ""]
    for sign, expected in ((1, ["−1", "< 0.001", "0.001", "2"]), (-1, ["2", "0.001", "< 0.001", "−1"])):
        found = functions.value(f"{json.dumps(cells)}.sort((a, b) => compareCells(a, b, true, {sign}))")
        assert found[:4] == expected
        assert set(found[4:]) == {"–", ""}
    words = functions.value("['m10', 'm9', 'M1'].sort((a, b) => compareCells(a, b, false, 1))")
    assert words == ["M1", "m9", "m10"]


def test_csv_is_quoted_where_it_must_be(functions: Page) -> None:
    rows = [["a", 'b "c"', "d,e"], ["f\ng", "", "1.5"]]
    assert called(functions, "csvOf", rows) == 'a,"b ""c""","d,e"\r\n"f\ng",,1.5\r\n'


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-60, 10), (0.001, 0.0025), (99.5, 99.9), (5, 5)])
def test_ticks_are_inside_and_their_labels_differ(functions: Page, low: float, high: float) -> None:
    found = called(functions, "ticks", low, high, 6)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)
    digits = called(functions, "digitsOf", found)
    assert len({plain(value, digits) for value in found}) == len(found) >= 1
    if high > low:
        assert 3 <= len(found) <= 8


def test_the_place_of_a_pair(functions: Page) -> None:
    for members in (2, 3, 7):
        pairs = [(a, b) for a in range(members) for b in range(a + 1, members)]
        assert [called(functions, "pairPlace", a, b, members) for a, b in pairs] == list(range(len(pairs)))
        assert called(functions, "pairPlace", 1, 0, members) == 0


def test_inside_of_a_line(functions: Page) -> None:
    star = [[0, 0], [10, 0], [10, 10], [5, 2], [0, 10]]
    for point, inside in (((5, 1), True), ((5, 5), False), ((1, 5), True), ((9, 5), True), ((11, 1), False)):
        assert called(functions, "isInside", *point, star) is inside


def test_members_that_are_alike_come_together(functions: Page) -> None:
    values = [3, 100, 5, 103, 4]
    script = f"clusteredOrder(5, (a, b) => Math.abs({values}[a] - {values}[b]))"
    order = functions.value(script)
    assert sorted(order) == list(range(5))
    assert {values[place] for place in order[:2]} == {100, 103} or {values[place] for place in order[3:]} == {100, 103}
    assert functions.value("clusteredOrder(3, () => NaN)") == [0, 1, 2]
    assert functions.value("clusteredOrder(1, () => 0)") == [0]
    assert functions.value("clusteredOrder(0, () => 0)") == []


def test_average_linkage_is_scipys(functions: Page) -> None:
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.spatial.distance import squareform

    points = np.random.default_rng(2).random((12, 12))
    matrix = (points + points.T) / 2
    np.fill_diagonal(matrix, 0)
    order = functions.value(f"(m => clusteredOrder(12, (a, b) => m[a][b]))({matrix.tolist()})")
    tree = linkage(squareform(matrix), "average")
    for groups in range(2, 12):
        labels = cut_tree(tree, groups).ravel()[order]
        assert (np.diff(labels) != 0).sum() == groups - 1, "each of scipy's groups stands together"


def test_arrays_of_every_kind_are_unpacked(functions: Page) -> None:
    from scripts.lib.report.explorer.arrays import packed

    for kind, values in (
        ("u8", [0, 255]),
        ("u16", [0, 65535, 258]),
        ("u32", [2**32 - 1, 66051]),
        ("f32", [-1.5, 0.25]),
        ("f64", [0.1, 1e300, -2.5]),
        ("u16", []),
    ):
        content = json.dumps({"a": [packed(np.array(values), kind)], "pictures": packed(np.array([1]), "u8")})
        found = functions.value(
            f"unpackAll({content}).then(o => [[...o.a[0]], o.a[0].constructor.name, o.pictures.type])"
        )
        assert found[0] == values
        assert found[1].startswith("Uint" if kind.startswith("u") else "Float")
        assert found[2] == "u8", "pictures wait until they are asked for"


def test_cells_are_counted_as_numpy_counts_them(functions: Page) -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=2000).round(2), random.integers(-5, 6, 2000) / 2
    window = {"x": [-1.25, 1.5], "y": [-2.0, 2.5]}
    rows = f"rowsInside(Uint32Array.from({{ length: 2000 }}, (_, i) => i), {x.tolist()}, {y.tolist()}, {window})"
    grid = functions.value(
        f"(g => ({{ ...g, counts: [...g.counts] }}))(gridOf({rows}, {x.tolist()}, {y.tolist()}, {window}, 7, 4))"
    )
    expected, _, _ = np.histogram2d(y, x, bins=(4, 7), range=(window["y"], window["x"]))
    assert np.reshape(grid["counts"], (4, 7)).tolist() == expected.tolist()
    assert grid["most"] == expected.max()


def test_points_without_a_value_are_outside(functions: Page) -> None:
    window = {"x": [0, 1], "y": [0, 1]}
    found = functions.value(f"[...rowsInside(Uint32Array.of(0, 1, 2, 3), [0, NaN, 1, 1.1], [0, 0, 1, 1], {window})]")
    assert found == [0, 2]


def test_the_colours_of_the_density_are_cividis_and_evenly_light(functions: Page) -> None:
    from matplotlib import colormaps

    most = 10**6
    found = np.array(
        functions.value(f"Array.from({{ length: 61 }}, (_, i) => densityColour({most} ** (i / 60), {most}, true))")
    )
    expected = colormaps["cividis"](np.linspace(0.4, 1, 61))[:, :3] * 255
    assert np.abs(found - expected).max() < 8, "ten colours, and lines between them"
    steps = np.diff(lightness(found[::10]))
    assert (steps > 0).all()
    assert steps.max() / steps.min() < 1.5
    assert functions.value("densityColour(1, 1, false)") == functions.value("densityColour(1, 100, false)")


def lightness(colours: np.ndarray) -> np.ndarray:
    """L* of CIELAB, float64 [N], of sRGB [N, 3] from 0 to 255."""
    share = colours / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(light > 0.008856, 116 * np.cbrt(light) - 16, 903.3 * light)


@pytest.mark.parametrize(
    ("most", "ticks"), [(1, [1]), (2, [1, 2]), (5, [1, 5]), (20, [1, 20]), (300, [1, 10, 100, 300]), (31, [1, 10, 31])]
)
def test_counts_below_the_bar_of_colours(functions: Page, most: int, ticks: list[int]) -> None:
    assert called(functions, "scaleTicks", most) == ticks


def test_windows_stay_inside_of_the_whole(functions: Page) -> None:
    assert called(functions, "zoomed", [0, 10], [0, 10], 0.5, 0) == [0, 5]
    assert called(functions, "zoomed", [0, 10], [0, 10], 0.5, 10) == [5, 10]
    assert called(functions, "zoomed", [4, 6], [0, 10], 0.5, 5) == [4.5, 5.5]
    assert called(functions, "zoomed", [0, 1], [0, 10], 4, 1) == [0, 4]
    assert called(functions, "zoomed", [2, 8], [0, 10], 2, 5) == [0, 10]
    low, high = called(functions, "zoomed", [5, 5], [0, 10], 0.5, 5)
    assert low < 5 < high, "a window of no width has the smallest"
    assert called(functions, "moved", [2, 4], [0, 10], 0.5) == [3, 5]
    assert called(functions, "moved", [2, 4], [0, 10], -5) == [0, 2]
    assert called(functions, "moved", [2, 4], [0, 10], 9) == [8, 10]
    assert called(functions, "between", 7, 3, [0, 5]) == [3, 5]


def test_rows_follow_each_other_in_the_order_of_values(functions: Page) -> None:
    values = [3, 1, 1, 2, 9]
    walk = functions.value(
        f"((rows, at) => rows.map ? Array.from({{ length: 5 }}, () => (at = nextRow(rows, {values}, at, 1))) : 0)"
        "(Uint32Array.of(0, 1, 2, 3), -1)"
    )
    assert walk == [1, 2, 3, 0, 0], "row 4 is not among them, and the last stays"
    assert functions.value(f"nextRow(Uint32Array.of(0, 1, 2, 3), {values}, 2, -1)") == 1
    assert functions.value(f"nextRow(Uint32Array.of(), {values}, -1, 1)") == -1


def test_the_threshold_is_that_of_the_figures(functions: Page) -> None:
    from scripts.lib.report.labels import MOST_POINTS

    assert functions.value("MOST_POINTS") == MOST_POINTS
