"""NLL against accuracy: what is drawn and said, as points and as rasters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.drawings import clouds
from scripts.lib.report.drawings.clouds import Points, Raster
from scripts.lib.report.drawings.proper_scores import draw_proper_scores, read_panels
from scripts.lib.report.drawings.style import save
from scripts.lib.report.figure import FIGURES, StudyOutline
from tests.unit.synthetic_study import make_study, outline


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("scores"), members=5, samples=60)


def paths_of(study: Path) -> list[str]:
    return [str(study / "ensembles" / f"{dataset}.parquet") for dataset in outline(study).datasets]


def nll_figure(study: Path, improvement: str) -> Figure:
    return draw_proper_scores(read_panels(paths_of(study), improvement, "average"), improvement, "average")


def test_panels_show_the_columns_of_their_table(study: Path) -> None:
    panels = read_panels(paths_of(study), "over_best", "average")
    assert list(panels) == list(outline(study).datasets)
    for dataset, panel in panels.items():
        table = load_table(study / "ensembles" / f"{dataset}.parquet").filter(consensus="average")
        assert isinstance(panel.cloud, Points)
        np.testing.assert_array_equal(panel.cloud.x, table["improvement_over_best"])
        np.testing.assert_array_equal(panel.cloud.y, table["nll_improvement_over_best"])
        np.testing.assert_array_equal(panel.cloud.size, table["size"])
        assert panel.more_accurate == pytest.approx(100 * np.mean(table["improvement_over_best"].to_numpy() > 0))
        assert panel.smaller_nll == pytest.approx(100 * np.mean(table["nll_improvement_over_best"].to_numpy() > 0))


def test_many_ensembles_are_a_raster_of_the_same_ensembles(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = read_panels(paths_of(study), "over_mean", "average")
    monkeypatch.setattr(clouds, "MOST_POINTS", 10)
    for one, other in zip(points.values(), read_panels(paths_of(study), "over_mean", "average").values(), strict=True):
        assert isinstance(one.cloud, Points)
        assert isinstance(other.cloud, Raster)
        assert other.cloud.counts.sum() == len(one.cloud.x)
        assert other.cloud.y.low == one.cloud.y.min()
        assert (other.more_accurate, other.smaller_nll) == (one.more_accurate, one.smaller_nll)


@pytest.mark.parametrize("most", [10, 1000])
def test_the_picture_is_drawn_with_its_shares(
    study: Path, tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clouds, "MOST_POINTS", most)
    panels, figure = read_panels(paths_of(study), "over_mean", "average"), nll_figure(study, "over_mean")
    text = " ".join(found.get_text() for found in figure.findobj(Text))
    assert "Improvement over the mean member, ensembles by averaging of probabilities" in text
    assert f"Clean\nmore accurate {panels['clean'].more_accurate:.0f} %\nsmaller NLL 100 %" in text
    save(figure, tmp_path, "picture")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.parametrize("datasets", [1, 7])
def test_any_number_of_datasets_and_no_ensembles(datasets: int, tmp_path: Path) -> None:
    folder = make_study(tmp_path, members=2, datasets=["clean"], samples=60)
    table = load_table(folder / "ensembles" / "clean.parquet")
    panel = read_panels([str(folder / "ensembles" / "clean.parquet")], "over_best", "average")["clean"]
    table.clear().write_parquet(tmp_path / "empty.parquet")
    empty = read_panels([str(tmp_path / "empty.parquet")], "over_best", "average")["empty"]
    panels = {f"set{number}": panel for number in range(datasets)} | {"$empty": empty}
    save(draw_proper_scores(panels, "over_best", "average"), tmp_path, "picture")
    assert np.isnan(empty.more_accurate)


def test_a_study_that_only_votes_has_no_such_figure() -> None:
    study = StudyOutline(["clean"], ["a", "b"], [], ["vote", "average"], ["over_mean", "over_baseline"])
    spec = FIGURES["proper_scores"]
    assert [picture.name for picture in spec.pictures(study)] == [
        "nll_improvement_over_mean_average",
        "nll_improvement_over_baseline_average",
    ]
    assert not spec.exists(replace(study, consensus=["vote"]))
