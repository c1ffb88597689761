"""The tables of choices say what the tables of the study say."""

from pathlib import Path

import pytest

from scripts.lib.choices.tables import Splits, choices_table, held_out_table
from scripts.lib.jobs.storage import load_table, save_table
from scripts.lib.report.choices import choices_tables, sentence_on_choices
from scripts.lib.report.labels import plain, signed
from tests.unit.choices.problem import CPU
from tests.unit.choices.test_tables import TEMPERATURES, sets_of, settings


def write(folder: Path, kinds: list[str]) -> None:
    sets, _ = sets_of(kinds)
    splits = Splits(0.4, 3, CPU, TEMPERATURES)
    chosen = choices_table(sets, ["clean"], splits, settings())
    save_table(folder / "choices.parquet", chosen)
    save_table(folder / "choices_held_out.parquet", held_out_table(sets, chosen, ["clean"], splits))


def test_one_table_per_set_with_the_best_size_of_each_way(tmp_path: Path) -> None:
    write(tmp_path, ["random", "random"])
    clean, shifted = choices_tables(tmp_path)
    assert "the evaluation split of Set0" in clean.caption
    assert "Regret" not in " ".join(clean.header)
    assert "Regret (points)" in shifted.header
    for table in (clean, shifted):
        assert {len(row) for row in table.rows} == {len(table.header)}
        best = [row for row in table.rows if row[0] == "best ensemble of equal weights"]
        assert [row[1] for row in best] == ["accuracy", "NLL", "Brier score"], "one of each metric"
        names = {row[0] for row in table.rows}
        assert {"stacking", "greedy weights, calibrated members", "best single member", "all members"} <= names
    [row] = [row for row in shifted.rows if row[:2] == ["stacking", "NLL"]]
    [expected] = (
        load_table(tmp_path / "choices_held_out.parquet")
        .filter(dataset="set1", way="stacking", consensus="average")
        .to_dicts()
    )
    assert row[4] == plain(expected["accuracy"], 1)
    assert row[9] == signed(expected["regret"], 1)


def test_the_sentence_counts_intervals_that_exclude_zero(tmp_path: Path) -> None:
    write(tmp_path, ["random", "random"])
    [said] = sentence_on_choices(tmp_path)
    assert said.startswith("Of 14 combinations of a way to choose on Set0 and a shifted set")


@pytest.mark.parametrize("kinds", [["random"], []])
def test_without_a_shift_or_without_choices_there_is_no_sentence(tmp_path: Path, kinds: list[str]) -> None:
    if kinds:
        write(tmp_path, kinds)
    assert list(sentence_on_choices(tmp_path)) == []
    assert len(list(choices_tables(tmp_path))) == len(kinds)
