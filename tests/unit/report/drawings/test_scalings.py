"""Calibration curves and confidence: what is drawn of the tables, for any study."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.drawings.calibration_curves import LEAST_SAMPLES, draw_calibration_curves
from scripts.lib.report.drawings.confidence import draw_confidence
from scripts.lib.report.drawings.style import save
from tests.unit.synthetic_study import make_study

DRAW = {"calibration_curves": draw_calibration_curves, "calibration": draw_confidence}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("calibration"), members=4, datasets=["clean", "noise"], samples=400)


def tables_of(study: Path, name: str) -> dict[str, pl.DataFrame]:
    return {dataset: load_table(study / name / f"{dataset}.parquet") for dataset in ("clean", "noise")}


def texts(figure: Figure) -> str:
    return " ".join(found.get_text() for found in figure.findobj(Text))


def test_curves_are_those_of_the_table(study: Path) -> None:
    curves = tables_of(study, "calibration_curves")
    figure = draw_calibration_curves(curves)
    panels = [axis for axis in figure.axes if axis.axison]
    assert len(panels) == 2 * 3  # datasets and scalings
    full = curves["clean"].filter(pl.col("samples") >= LEAST_SAMPLES, scaling="none")
    diagonal, members, arithmetic, geometric, _ = panels[0].lines
    assert np.isnan(members.get_xdata()).sum() == 4  # a gap after each member
    of_members = full.filter(role="member")
    drawn = members.get_ydata()[~np.isnan(members.get_ydata())]
    np.testing.assert_allclose(drawn, of_members["accuracy"])
    for line, averaging in ((arithmetic, "arithmetic"), (geometric, "geometric")):
        curve = full.filter(role="all_members", averaging=averaging)
        np.testing.assert_allclose(line.get_xdata(), 100 * curve["mean_confidence"])
        np.testing.assert_allclose(line.get_ydata(), curve["accuracy"])
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    for text in ("Clean", "Noise", "not scaled", "members scaled", "average scaled", "single member"):
        assert text in texts(figure)


def test_confidence_is_that_of_the_table(study: Path) -> None:
    tables = tables_of(study, "calibration")
    panels = draw_confidence(tables).axes
    members, arithmetic, _ = panels[4].lines[1:]  # the second row is noise, and its second panel “members scaled”
    table = tables["noise"].with_columns(excess=100 * pl.col("mean_confidence") - pl.col("accuracy"))
    np.testing.assert_allclose(members.get_ydata(), table.filter(role="member", scaling="members")["excess"])
    line = table.filter(averaging="arithmetic", scaling="members").sort("size")
    np.testing.assert_allclose(arithmetic.get_xdata(), line["size"])
    np.testing.assert_allclose(arithmetic.get_ydata(), line["excess"])


@pytest.mark.parametrize("name", DRAW)
def test_studies_without_temperatures_have_one_row(study: Path, name: str) -> None:
    scores = pl.col("samples") if name == "calibration" else pl.col("samples").cast(pl.UInt32)
    without = {
        dataset: table.with_columns(samples=pl.when(pl.col("scaling") == "none").then(scores))
        for dataset, table in tables_of(study, name).items()
    }
    figure = DRAW[name](without)
    assert len(figure.axes) == 2
    assert "members scaled" not in texts(figure)


def test_members_alone(study: Path, tmp_path: Path) -> None:
    table = tables_of(study, "calibration_curves")["clean"]
    figure = draw_calibration_curves({"$clean": table.filter(role="member")})
    assert "average" not in texts(figure)
    save(figure, tmp_path, "alone")
    assert (tmp_path / "alone.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", DRAW)
def test_many_datasets(study: Path, name: str, tmp_path: Path) -> None:
    table = tables_of(study, name)["clean"]
    many = DRAW[name]({f"set{number}": table for number in range(6)})
    assert len([axis for axis in many.axes if axis.axison]) == 6 * 3
    save(many, tmp_path, "many")
    assert (tmp_path / "many.png").stat().st_size > 10_000


def test_sizes_of_a_thousand_members_have_a_logarithmic_axis(study: Path, tmp_path: Path) -> None:
    table = tables_of(study, "calibration")["clean"]
    everyone = pl.when(role="all_members").then(1000).otherwise("size").cast(pl.UInt16)
    figure = draw_confidence({"clean": table.with_columns(size=everyone)})
    assert figure.axes[0].get_xscale() == "log"
    save(figure, tmp_path, "large")
    assert figure.axes[-1].get_xticklabels()[-1].get_text() == "1000"


def test_no_text_is_smaller_than_seven_points(study: Path) -> None:
    for name, draw in DRAW.items():
        assert min(found.get_fontsize() for found in draw(tables_of(study, name)).findobj(Text)) >= 7
