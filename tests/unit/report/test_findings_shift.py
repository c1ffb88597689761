"""What the findings say about shift follows from the tables."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scripts.lib.jobs.storage import load_json
from scripts.lib.report.build import build_report, read_tables
from scripts.lib.report.findings import Tables, findings
from scripts.lib.report.findings_shift import on_shift
from scripts.lib.report.shift import ShiftTables
from tests.unit.synthetic_study import make_study

Number = float | None


@pytest.fixture
def shift(tables: Tables) -> ShiftTables:
    assert tables.shift is not None
    return tables.shift


def said(shift: ShiftTables, tables: Tables) -> str:
    return " ".join(filter(None, on_shift(shift, tables.members, "average")))


def on(table: pl.DataFrame, dataset: str, **columns: Any) -> pl.DataFrame:
    """The table with other values on one dataset."""
    here = pl.col("dataset") == dataset
    return table.with_columns(
        pl.when(here).then(pl.lit(value, dtype=table.schema[name])).otherwise(name).alias(name)
        for name, value in columns.items()
    )


def with_regret(shift: ShiftTables, intervals: dict[str, tuple[float, float, float]], **more: Any) -> ShiftTables:
    held_out = dict(shift.held_out)
    for dataset, (value, low, high) in intervals.items():
        columns = {"regret": value, "regret_low": low, "regret_high": high, **more}
        held_out[dataset] = on(held_out[dataset], dataset, **columns)
    return replace(shift, held_out=held_out)


UNDECIDED = (0.5, -1.0, 2.0)
INTERVALS = {"noise": (4.0, 1.2, 6.9), "blur": UNDECIDED, "weather": (-3.0, -5.0, -1.0), "digital": UNDECIDED}


def test_regret_is_said_with_its_interval_and_called_by_it(shift: ShiftTables, tables: Tables) -> None:
    text = said(with_regret(shift, INTERVALS), tables)
    assert "Its regret there is, in percentage points, +4.0 on Noise (95 % interval +1.2 to +6.9), +0.5 on Blur" in text
    assert (
        "By these intervals, which are not adjusted for the number of sets, a choice on the set itself is better on "
        "Noise; the choice on the clean set is better on Weather; it is undecided which is better on Blur and Digital."
    ) in text


def test_where_all_is_undecided_nothing_else_is_said(shift: ShiftTables, tables: Tables) -> None:
    text = said(with_regret(shift, dict.fromkeys(INTERVALS, UNDECIDED)), tables)
    assert "number of sets, it is undecided which is better on Noise, Blur, Weather and Digital." in text


def test_the_recommended_ensemble_and_its_accuracies_are_named(shift: ShiftTables, tables: Tables) -> None:
    text = said(shift, tables)
    rows = shift.recommended("average")
    names = [tables.members[position] for position in rows["clean"]["members"]]
    assert all(name in text.split(" is recommended on Clean")[0] for name in names)
    assert f"with {rows['clean']['accuracy']:.1f} % on its evaluation split" in text
    assert f"{rows['blur']['accuracy']:.1f} % on Blur" in text
    assert "Its lead over the single member that was chosen on the clean set is" in text
    assert "another number of samples" not in text


def test_a_single_member_has_no_lead_over_itself(shift: ShiftTables, tables: Tables) -> None:
    alone = {
        name: table.with_columns(recommended=(pl.col("size") == 1) & (pl.col("kind") == "chosen"))
        for name, table in shift.held_out.items()
    }
    text = said(replace(shift, held_out=alone), tables)
    assert " alone is recommended on Clean" in text
    assert "lead over" not in text


def test_sets_of_another_size_are_named(shift: ShiftTables, tables: Tables) -> None:
    text = said(with_regret(shift, {"blur": UNDECIDED}, same_split=False), tables)
    assert "Blur has another number of samples than the clean set and so another division" in text
    both = with_regret(shift, {"blur": UNDECIDED, "noise": UNDECIDED}, same_split=False)
    assert "Noise and Blur have another number of samples" in said(both, tables)


def with_effective(shift: ShiftTables, value: Number, low: Number, high: Number, outside: bool = False) -> ShiftTables:
    columns = {"effective": value, "effective_low": low, "effective_high": high}
    table = on(shift.robustness, "noise", **columns).with_columns(extrapolated=pl.lit(outside))
    return replace(shift, robustness=table)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.5, 3.5, "it is more robust than its accuracy on the clean set suggests on Noise"),
        (-3.0, -0.1, "it is less robust than its accuracy on the clean set suggests on Noise"),
        (-1.0, 5.0, "this is undecided on Noise"),
    ],
)
def test_effective_robustness_is_called_by_its_interval(
    shift: ShiftTables, tables: Tables, low: Number, high: Number, words: str
) -> None:
    text = said(with_effective(shift, 2.0, low, high), tables)
    assert "+2.0 on Noise" in text
    assert words in text
    assert "+2.0 on Noise (95 % interval" in text


def test_without_an_interval_effective_robustness_is_not_called_anything(shift: ShiftTables, tables: Tables) -> None:
    text = said(with_effective(shift, 2.0, None, None), tables)
    assert "+2.0 on Noise, " in text
    assert "undecided on Noise" not in text.split("effective robustness")[1]
    none = shift.robustness.with_columns(
        effective_low=pl.lit(None, pl.Float64), effective_high=pl.lit(None, pl.Float64)
    )
    assert "Intervals need at least four members." in said(replace(shift, robustness=none), tables)


def test_extrapolation_is_said(shift: ShiftTables, tables: Tables) -> None:
    words = "outside of the members' range of accuracies, so the line is extrapolated"
    assert words in said(with_effective(shift, 2.0, -1.0, 5.0, outside=True), tables)
    assert words not in said(with_effective(shift, 2.0, -1.0, 5.0), tables)


def test_without_a_line_the_text_says_so(shift: ShiftTables, tables: Tables) -> None:
    nothing = shift.robustness.with_columns(effective=pl.lit(None, pl.Float64))
    assert "Effective robustness could not be estimated: there are fewer than three" in said(
        replace(shift, robustness=nothing), tables
    )


def test_shares_above_the_line_are_those_of_all_ensembles(shift: ShiftTables, tables: Tables) -> None:
    above = pl.when(pl.col("size") == 2).then(100.0).otherwise(0.0)
    table = shift.by_size.with_columns(above_line=above, extrapolated=pl.lit(7.0))
    text = said(replace(shift, by_size=table), tables)
    assert "the share above the line is 38 % on Noise" in text, "10 of the 26 ensembles of five members have two"
    assert "up to 7 % of them are outside" in text


def test_where_no_ensemble_is_outside_of_the_members_the_text_says_so(shift: ShiftTables, tables: Tables) -> None:
    table = shift.by_size.with_columns(extrapolated=pl.lit(0.2))
    assert "none of them is outside of the members' range" in said(replace(shift, by_size=table), tables)


SHOWN = {"partial": 0.6, "per_sd": 0.71, "per_sd_low": 0.3, "per_sd_high": 1.1, "q_value": 0.004}


def test_effects_of_clean_diversity_are_said_for_both_questions(shift: ShiftTables, tables: Tables) -> None:
    base = shift.effects.with_columns(**{name: pl.lit(value) for name, value in SHOWN.items()})
    on_clean = (pl.col("adjusted_on") == "clean") & (pl.col("measure") == "disagreement")
    q = pl.when(on_clean & (pl.col("dataset") == "noise")).then(0.01).otherwise(0.5)
    text = said(replace(shift, effects=base.with_columns(q_value=q)), tables)
    assert (
        "with the members' accuracy and confidence on Clean held fixed, an effect is shown for prediction disagreement "
        "on Noise (+0.71 percentage points) (15 others are undecided); with the members' accuracy and confidence under "
        "the shift held fixed, no effect is shown (16 are undecided)."
    ) in text


def test_without_effects_nothing_is_said_of_them(shift: ShiftTables, tables: Tables) -> None:
    """Five members are too few for effects."""
    assert shift.effects["partial"].is_null().all()
    assert "Whether diversity that is measured on" not in said(shift, tables)


def test_one_validation_set_has_no_paragraph_and_no_section(tmp_path: Path) -> None:
    folder = make_study(tmp_path, members=3, datasets=["clean"], samples=50)
    tables = read_tables(folder, load_json(folder / "study.json"))
    assert tables.shift is None
    assert not any(paragraph.startswith("Under shift") for paragraph in findings(tables))
    build_report(folder, {}, folder / "report.html")
    assert "Under shift" not in (folder / "report.html").read_text(encoding="utf-8")


def test_the_paragraph_comes_last(tables: Tables) -> None:
    assert findings(tables)[-1].startswith("Under shift: ")
