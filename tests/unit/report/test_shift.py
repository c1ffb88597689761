"""The tables of the report's section on shift."""

from dataclasses import replace

import polars as pl
import pytest

from scripts.lib.report.ensemble_tables import effect_tables_from_clean
from scripts.lib.report.findings import Tables
from scripts.lib.report.labels import plain, signed
from scripts.lib.report.shift import MOST_MEMBERS_SHOWN, ShiftTables, shift_tables
from scripts.lib.report.tables import Table


@pytest.fixture
def shift(tables: Tables) -> ShiftTables:
    assert tables.shift is not None
    return tables.shift


def section(shift: ShiftTables, tables: Tables) -> list[Table]:
    return list(shift_tables(shift, tables.members, ["average", "vote"]))


def test_every_row_fits_its_header(shift: ShiftTables, tables: Tables) -> None:
    found = section(shift, tables)
    assert len(found) == 8
    assert len({table.caption for table in found}) == 8
    assert all(len(row) == len(table.header) for table in found for row in table.rows)


def test_regret_has_a_row_for_each_shifted_set(shift: ShiftTables, tables: Tables) -> None:
    table, of_vote = section(shift, tables)[:2]
    assert [row[0] for row in table.rows] == ["Noise", "Blur", "Weather", "Digital"]
    [row] = shift.held_out["blur"].filter(recommended=True, consensus="average").to_dicts()
    cells = table.rows[1]
    assert cells[2] == plain(row["accuracy"], 1)
    assert cells[4:6] == [
        signed(row["regret"], 1),
        f"{signed(row['regret_low'], 1)} to {signed(row['regret_high'], 1)}",
    ]
    assert float(cells[3]) - float(cells[2]) == pytest.approx(row["regret"], abs=0.11)
    assert "majority vote" in of_vote.caption


def test_an_extrapolated_value_is_marked(shift: ShiftTables, tables: Tables) -> None:
    marked = replace(shift, robustness=shift.robustness.with_columns(extrapolated=pl.col("dataset") == "noise"))
    table = section(marked, tables)[2]
    assert {row[0] for row in table.rows if row[7].endswith("*")} == {"Noise"}
    assert table.rows[-1][1] == "all members together"


def test_what_has_no_value_is_a_dash(shift: ShiftTables, tables: Tables) -> None:
    nothing = {name: pl.lit(None, pl.Float64) for name in ("effective", "effective_low", "effective_high")}
    robustness = shift.robustness.with_columns(**nothing, extrapolated=pl.lit(None, pl.Boolean))
    table = section(replace(shift, robustness=robustness), tables)[2]
    assert {tuple(row[7:]) for row in table.rows} == {("–", "–")}


def test_members_are_listed_from_the_most_robust_with_the_error_relative_to_the_baseline(
    shift: ShiftTables, tables: Tables
) -> None:
    table = section(shift, tables)[4]
    assert len(table.rows) == len(tables.members)
    robust = [float(row[4].replace("−", "-")) for row in table.rows]
    assert robust == sorted(robust, reverse=True)
    assert "100.0" in [row[-1] for row in table.rows], "the baseline itself"
    without = replace(shift, over_sets=shift.over_sets.with_columns(relative_error=pl.lit(None, pl.Float64)))
    assert len(section(without, tables)[4].header) == len(table.header) - 1


def test_many_members_are_cut(shift: ShiftTables, tables: Tables) -> None:
    many = pl.concat([shift.over_sets.filter(kind="member")] * 20)
    assert len(section(replace(shift, over_sets=many), tables)[4].rows) == MOST_MEMBERS_SHOWN


def test_effects_of_clean_diversity_have_a_table_for_each_question_and_consensus(shift: ShiftTables) -> None:
    found = list(effect_tables_from_clean(shift.effects))
    captions = [table.caption for table in found]
    assert len(captions) == 4
    assert captions[0].endswith(
        "diversity measured on Clean, members' accuracy and confidence under the shift held fixed"
    )
    assert captions[-1].endswith("diversity measured on Clean, members' accuracy and confidence on Clean held fixed")
    assert list(effect_tables_from_clean(shift.effects.clear())) == []
