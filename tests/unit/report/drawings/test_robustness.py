"""The figure of accuracy under shift against accuracy on the clean set."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.stats
from matplotlib.figure import Figure
from matplotlib.text import Text

from scripts.lib.jobs.storage import load_table, save_table
from scripts.lib.report.drawings import clouds
from scripts.lib.report.drawings.clouds import Points, Raster
from scripts.lib.report.drawings.robustness import Panel, draw_robustness, read_panels
from tests.unit.synthetic_study import make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("study"), members=6, datasets=["clean", "noise"], samples=100)


def panels(study: Path) -> dict[str, Panel]:
    files = {
        folder: [str(study / folder / f"{dataset}.parquet") for dataset in ("clean", "noise")]
        for folder in ("accuracies", "ensembles")
    }
    return read_panels(files["accuracies"], files["ensembles"], str(study / "robustness.parquet"), "average")


def probits(percent: pl.Series, samples: int) -> np.ndarray:
    values: np.ndarray = scipy.stats.norm.ppf((percent.to_numpy() * samples / 100 + 0.5) / (samples + 1))
    return values


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def test_members_ensembles_and_the_choice_are_where_their_accuracies_are(study: Path) -> None:
    [(dataset, panel)] = panels(study).items()
    assert dataset == "noise"
    for axis, name in enumerate(("clean", "noise")):
        members = load_table(study / "accuracies" / f"{name}.parquet")["accuracy"]
        np.testing.assert_allclose(panel.members[axis], probits(members, 100))
        ensembles = load_table(study / "ensembles" / f"{name}.parquet").filter(consensus="average")["accuracy"]
        assert isinstance(panel.cloud, Points)
        np.testing.assert_allclose((panel.cloud.x, panel.cloud.y)[axis], probits(ensembles, 100))
    table = load_table(study / "robustness.parquet").filter(recommended=True, consensus="average")
    np.testing.assert_allclose(panel.chosen[:1], probits(table["clean_accuracy"], 50))
    np.testing.assert_allclose(panel.chosen[1:], probits(table["accuracy"], 50))


def test_the_share_above_the_line_is_that_of_the_table(study: Path) -> None:
    [panel] = panels(study).values()
    by_size = load_table(study / "robustness_by_size.parquet").filter(pl.col("size") > 1, consensus="average")
    expected = (by_size["above_line"] * by_size["ensembles"]).sum() / by_size["ensembles"].sum()
    assert panel.above == pytest.approx(expected)
    assert f"{expected:.0f} % above the line" in texts(draw_robustness({"noise": panel}, "average"))


def test_the_line_is_dotted_outside_of_the_members(study: Path) -> None:
    [panel] = panels(study).values()
    axis = draw_robustness({"noise": panel}, "average").axes[0]
    solid, dotted = ([line for line in axis.lines if line.get_linestyle() == style] for style in ("-", ":"))
    [own] = [line for line in solid if line.get_marker() == "None"]
    np.testing.assert_allclose(own.get_xdata(), [panel.members[0].min(), panel.members[0].max()])
    assert len(dotted) == 2
    slope = scipy.stats.linregress(*panel.members).slope
    for line in (own, *dotted):
        x, y = line.get_data()
        assert np.diff(y) / np.diff(x) == pytest.approx(slope)


def test_axes_are_labelled_with_accuracies(study: Path) -> None:
    axis = draw_robustness(panels(study), "average").axes[0]
    for label, place in zip(axis.get_xticklabels(), axis.get_xticks(), strict=True):
        assert scipy.stats.norm.cdf(place) == pytest.approx(float(label.get_text()) / 100)
    assert 2 <= len(axis.get_xticks()) <= 6


def test_many_ensembles_are_a_raster(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "MOST_POINTS", 20)
    [panel] = panels(study).values()
    assert isinstance(panel.cloud, Raster)
    assert panel.cloud.counts.sum() == 57
    draw_robustness({"noise": panel}, "average").draw_without_rendering()


def test_two_members_and_no_ensemble_are_drawn_without_a_line(tmp_path: Path) -> None:
    study = make_study(tmp_path, members=2, datasets=["clean", "noise"], samples=60)
    for name in ("clean", "noise"):
        path = study / "ensembles" / f"{name}.parquet"
        save_table(path, load_table(path).clear())
    [panel] = panels(study).values()
    assert panel.above is None
    figure = draw_robustness({"noise": panel}, "average")
    assert "above the line" not in texts(figure)
    figure.draw_without_rendering()
