"""The tables on calibration: who is shown, and how."""

from pathlib import Path

import polars as pl
import pytest

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.calibration_tables import MOST_MEMBERS_SHOWN, calibration_tables, temperatures_table
from tests.unit.synthetic_study import NAMES, make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("calibration"), members=4, datasets=["clean", "noise"], samples=200)


def test_temperatures_of_members_and_two_ensembles(study: Path) -> None:
    temperatures = load_table(study / "temperatures.parquet")
    table = temperatures_table(temperatures, NAMES, "clean")
    assert table.caption == "Temperatures, fitted on the 100 samples of the selection split of Clean"
    best = temperatures.filter("recommended")["size"][0]
    others = [f"recommended {best} members"] * 2 if best < 4 else []
    assert [row[0] for row in table.rows] == [*NAMES[:4], *others, "all 4 members", "all 4 members"]
    assert {len(row) for row in table.rows} == {len(table.header)}
    first = temperatures.row(0, named=True)
    assert table.rows[0][2:5] == [f"{first[name]:.3f}" for name in ("temperature", "nll_before", "nll_after")]


def test_a_missing_temperature_has_its_reason(study: Path) -> None:
    temperatures = load_table(study / "temperatures.parquet")
    changed = temperatures.with_columns(temperature=None, nll_after=None, at_limit=None, reason=pl.lit("one_hot"))
    row = temperatures_table(changed.cast(temperatures.schema), NAMES, "clean").rows[0]
    assert row[1:3] == ["–", "–"]
    assert row[4:] == ["–", "none: one class has a probability of 1 on every sample"]
    limit = temperatures.with_columns(at_limit=True)
    assert temperatures_table(limit, NAMES, "clean").rows[0][-1] == "at the limit of the search"


def test_scores_before_and_after(study: Path) -> None:
    tables = {name: load_table(study / "calibration" / f"{name}.parquet") for name in ("clean", "noise")}
    clean, noise = calibration_tables(tables, NAMES)
    assert clean.caption == "Calibration on Clean: the 100 samples of the evaluation split"
    assert noise.caption.startswith("Calibration on Noise")
    assert {len(row) for row in clean.rows} == {len(clean.header)}
    scaled = tables["clean"].row(1, named=True)
    assert clean.rows[0][:3] == [NAMES[0], "–", "not scaled"]
    assert clean.rows[1][2] == "members scaled"
    assert clean.rows[1][5] == f"{scaled['nll']:.3f}"
    assert clean.rows[1][6].replace("−", "-").startswith(f"{scaled['nll_change']:+.3f} (")
    assert clean.rows[-1][:3] == ["all 4 members", "geometric", "average scaled"]
    assert {row[6] for row in clean.rows if row[2] == "not scaled"} == {"–"}


def test_at_most_forty_members_are_shown(study: Path) -> None:
    table = load_table(study / "calibration" / "clean.parquet")
    alone = table.filter(members=[0])
    many = pl.concat(
        [alone.with_columns(members=pl.Series([[place]] * 2, dtype=pl.List(pl.UInt16))) for place in range(50)]
    )
    [shown] = calibration_tables({"clean": many}, [f"m{place}" for place in range(50)])
    assert [row[0] for row in shown.rows[::2]] == [f"m{place}" for place in range(MOST_MEMBERS_SHOWN)]
