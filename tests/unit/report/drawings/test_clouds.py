"""Rasters of many ensembles: against a plain loop, and no ensemble is invisible."""

import math
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from scripts.lib.jobs.storage import save_table
from scripts.lib.report.drawings import improvement
from scripts.lib.report.drawings.clouds import LEAST_OPACITY, Points, Raster, Scale, opacity, raster
from scripts.lib.report.drawings.improvement import Shown, draw_improvement, read_clouds
from scripts.lib.report.drawings.style import save, size_colours
from scripts.lib.report.labels import MOST_POINTS
from tests.unit.synthetic_study import make_study


def plain_cell(value: float, scale: Scale) -> int | None:
    """The cell of one value, by the definition of a scale; None if it is not a number."""
    if math.isnan(value):
        return None
    return min(math.floor((value - scale.low) * (scale.cells / (scale.high - scale.low))), scale.cells - 1)


def count(x: np.ndarray, y: np.ndarray, size: np.ndarray, columns: int, rows: int) -> Raster:
    across, upwards = Scale.of(x, columns), Scale.of(y, rows)
    return raster(across.place(x), upwards.place(y), size.astype(float), sorted(set(size.tolist())))


@pytest.mark.parametrize("absent", [0, 0.1, 1])
def test_a_raster_is_what_a_plain_loop_counts(absent: float) -> None:
    random = np.random.default_rng(0)
    x, y, size = random.normal(size=500), random.integers(-3, 3, 500) / 4, random.integers(2, 9, 500)
    x[random.random(500) < absent] = np.nan
    found = count(x, y, size, columns=7, rows=5)
    inside: dict[tuple[int, int], list[int]] = {}
    for left, up, members in zip(x, y, size, strict=True):
        row, column = plain_cell(up, found.y), plain_cell(left, found.x)
        if row is not None and column is not None:
            inside.setdefault((row, column), []).append(members)
    for row in range(5):
        for column in range(7):
            members = inside.get((row, column), [])
            assert found.counts[row, column] == len(members)
            mean = sum(members) / len(members) if members else math.nan
            np.testing.assert_allclose(found.mean_size[row, column], mean, rtol=1e-12)
    assert found.counts.sum() == np.isfinite(x).sum()


@pytest.mark.parametrize("values", [[3.0, 3.0], [math.nan, math.nan], [], [0.25]])
def test_values_that_do_not_differ_have_a_scale(values: list[float]) -> None:
    scale = Scale.of(np.array(values), 4)
    placed = scale.place(np.array(values))
    assert scale.low < scale.high
    assert set(placed.cells) <= ({4} if any(map(math.isnan, values)) else {2})


def test_the_ends_of_a_scale_are_in_its_first_and_last_cell() -> None:
    assert Scale(-1.5, 2.5, 4).place(np.array([-1.5, -0.5, 2.49, 2.5])).cells.tolist() == [0, 1, 3, 3]


def test_one_ensemble_can_be_seen_and_more_are_never_fainter() -> None:
    shades = opacity(np.array([0, 1, 2, 30, 1000]))
    assert shades[0] == 0
    assert shades[1] == LEAST_OPACITY
    assert (np.diff(shades) > 0).all()
    assert shades[-1] == 1
    assert opacity(np.array([0, 1])).tolist() == [0, LEAST_OPACITY]


def pixels_of(cloud: Raster, folder: Path) -> tuple[np.ndarray, Axes]:
    """What is written into the file, float [height, width, 3] with the lowest row first, and the axes."""
    from matplotlib.image import imread

    figure = Figure(figsize=(2, 2), dpi=200)  # that of the file
    axis = figure.subplots()
    cloud.draw(axis, cloud.sizes)
    axis.set_axis_off()
    save(figure, folder, "raster")
    return imread(folder / "raster.png")[::-1, :, :3], axis


def test_every_outlier_is_drawn_where_it_is(tmp_path: Path) -> None:
    """A hundred thousand ensembles in the middle, and one in each corner."""
    corners = np.array([[-9, -9], [-9, 9], [9, -9], [9, 9]], float)
    random = np.random.default_rng(1)
    x, y = np.concatenate([random.normal(size=(100_000, 2)), corners]).T
    size = np.concatenate([np.full(100_000, 5), [2, 3, 8, 9]])
    cloud = count(x, y, size, columns=90, rows=60)
    drawn, axis = pixels_of(cloud, tmp_path)
    colours, norm = size_colours(cloud.sizes)
    inset = np.sign(corners) * 18 / np.array([90, 60]) / 2  # to the middle of the corner's cell
    for (column, row), members in zip(axis.transData.transform(corners - inset), size[-4:], strict=True):
        colour = np.array(colours(norm(members))[:3])
        expected = LEAST_OPACITY * colour + 1 - LEAST_OPACITY
        np.testing.assert_allclose(drawn[int(row), int(column)], expected, atol=0.02)
        around = drawn[max(0, int(row) - 9) : int(row) + 9, max(0, int(column) - 9) : int(column) + 9]
        sharp = np.isclose(around, expected, atol=0.02).all(-1) | (around == 1).all(-1)
        assert sharp.all()


def test_a_raster_has_the_limits_that_points_would_have() -> None:
    random = np.random.default_rng(2)
    x, y, size = random.normal(size=300), random.normal(size=300), random.integers(2, 9, 300)
    limits = []
    for cloud in (count(x, y, size, 30, 30), Points(x, y, size, [2, 8])):
        axes = Figure().subplots(1, 2, sharey=True)
        axes[0].axhline(0, zorder=0)
        cloud.draw(axes[0], [2, 8])
        limits.append([*axes[0].get_xlim(), *axes[0].get_ylim()])
    np.testing.assert_allclose(*limits, rtol=1e-12)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("clouds"), members=6, datasets=["clean", "noise"], samples=60)


def read(study: Path, datasets: tuple[str, ...] = ("clean", "noise")) -> dict[tuple[str, str], improvement.Panels]:
    shown = Shown.of(pl.read_parquet(study / "correlations.parquet"))
    return read_clouds([str(study / f"ensembles/{dataset}.parquet") for dataset in datasets], shown)


def test_few_ensembles_are_points_and_many_a_raster(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = read(study)["over_mean", "average"]
    monkeypatch.setattr(improvement, "MOST_POINTS", 20)
    rasters = read(study)["over_mean", "average"]
    assert points.keys() == rasters.keys()
    for key, cloud in rasters.items():
        assert isinstance(cloud, Raster)
        assert isinstance(points[key], Points)
        assert cloud.counts.sum() == len(points[key].size) == 2**6 - 7
        assert cloud.sizes == points[key].sizes == [2, 3, 4, 5, 6]


def test_the_panels_of_a_dataset_share_their_vertical_scale(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(improvement, "MOST_POINTS", 20)
    tables = {dataset: pl.read_parquet(study / f"ensembles/{dataset}.parquet") for dataset in ("clean", "noise")}
    for (name, consensus), panels in read(study).items():
        for (dataset, _), cloud in panels.items():
            values = tables[dataset].filter(consensus=consensus)[f"improvement_{name}"]
            assert isinstance(cloud, Raster)
            assert (cloud.y.low, cloud.y.high) == (values.min(), values.max())
            assert cloud.counts.sum() == 2**6 - 7


@pytest.mark.parametrize("most", [20, 1000])
def test_a_dataset_on_which_ensembles_differ_little_fills_its_own_axes(
    study: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """All panels of a column have one vertical axis, and no value of another dataset widens it."""
    monkeypatch.setattr(improvement, "MOST_POINTS", most)
    rows = pl.read_parquet(study / "correlations.parquet").filter(improvement="over_best", consensus="vote")
    panels = read(study)["over_best", "vote"]
    figure = draw_improvement(panels, rows, "over_best", "vote")
    grid = np.array(figure.axes[: 2 * rows["measure"].n_unique()]).reshape(-1, 2)
    for column, dataset in enumerate(("clean", "noise")):
        values = pl.read_parquet(study / f"ensembles/{dataset}.parquet").filter(consensus="vote")
        low, high = values["improvement_over_best"].min(), values["improvement_over_best"].max()
        assert isinstance(low, float)
        assert isinstance(high, float)
        shown = {axis.get_ylim() for axis in grid[:, column]}
        assert len(shown) == 1
        [(bottom, top)] = shown
        assert min(low, 0) - 0.1 * (high - low) < bottom < min(low, 0)
        assert max(high, 0) < top < max(high, 0) + 0.1 * (high - low)


@pytest.mark.parametrize(("count", "blocks"), [(5, 1), (6, 2), (11, 3), (40, 8)])
def test_more_than_five_datasets_are_in_blocks_below_each_other(study: Path, count: int, blocks: int) -> None:
    rows = pl.read_parquet(study / "correlations.parquet").filter(improvement="over_best", measure="disagreement")
    rows = rows.filter(dataset="clean", consensus="vote", size="all")
    panels = read(study)["over_best", "vote"]
    names = [f"set{number}" for number in range(count)]
    found = {
        (name, "disagreement"): panels[("clean", "noise")[number % 2], "disagreement"]
        for number, name in enumerate(names)
    }
    of_names = pl.concat([rows.with_columns(dataset=pl.lit(name)) for name in names])
    figure = draw_improvement(found, of_names, "over_best", "vote")
    drawn = [axis for axis in figure.axes if axis.get_title()]
    assert len(drawn) == count
    assert len({axis.get_ylim() for axis in drawn}) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as that cells have no width
        figure.draw_without_rendering()
    assert len({round(axis.get_position().y0, 3) for axis in drawn}) == blocks


def test_what_is_drawn_is_what_the_tables_say(study: Path) -> None:
    table = pl.read_parquet(study / "ensembles/noise.parquet").filter(consensus="vote")
    cloud = read(study)["over_best", "vote"]["noise", "attribution_dissimilarity"]
    assert isinstance(cloud, Points)
    np.testing.assert_array_equal(cloud.x, 1 - table["attribution_similarity"].to_numpy())
    np.testing.assert_array_equal(cloud.y, table["improvement_over_best"].to_numpy())


def test_a_measure_without_values_is_an_empty_panel(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(improvement, "MOST_POINTS", 20)
    table = pl.read_parquet(study / "ensembles/clean.parquet").with_columns(disagreement=pl.lit(None, dtype=pl.Float64))
    save_table(tmp_path / "clean.parquet", table)
    correlations = pl.read_parquet(study / "correlations.parquet")
    found = read_clouds([str(tmp_path / "clean.parquet")], Shown.of(correlations))["over_mean", "vote"]
    empty = found["clean", "disagreement"]
    assert isinstance(empty, Raster)
    assert empty.counts.sum() == 0
    rows = correlations.filter(dataset="clean", improvement="over_mean", consensus="vote")
    save(draw_improvement(found, rows, "over_mean", "vote"), tmp_path, "empty")


def test_a_raster_draws_no_points_and_its_files_are_the_same_each_time(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(improvement, "MOST_POINTS", 20)
    rows = pl.read_parquet(study / "correlations.parquet").filter(improvement="over_mean", consensus="vote")
    for folder in ("first", "second"):
        figure = draw_improvement(read(study)["over_mean", "vote"], rows, "over_mean", "vote")
        assert not figure.findobj(PathCollection)
        save(figure, tmp_path / folder, "figure")
    for kind in ("png", "pdf"):
        first, second = (tmp_path / folder / f"figure.{kind}" for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_the_picture_in_the_readme_shows_points() -> None:
    """It has all ensembles of fifteen members."""
    assert MOST_POINTS > 2**15
