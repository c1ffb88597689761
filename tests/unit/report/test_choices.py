"""The tables of choices say what the tables of the study say."""

from dataclasses import replace
from pathlib import Path

import pytest

from scripts.lib.choices.tables import Splits, choices_table, held_out_table
from scripts.lib.jobs.storage import load_table, save_table
from scripts.lib.report.choices import choices_tables, sentence_on_choices
from scripts.lib.report.drawings.style import BLUE, ORANGE
from scripts.lib.report.figure import FIGURES
from scripts.lib.report.labels import plain, signed
from tests.unit.choices.problem import CPU
from tests.unit.choices.test_tables import TEMPERATURES, sets_of, settings
from tests.unit.report.test_figure import STUDY


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
        best = [row for row in table.rows if row[0] == "best with equal weights"]
        assert [row[1] for row in best] == ["accuracy", "NLL", "Brier score"], "one of each metric"
        names = {row[0] for row in table.rows}
        assert {"stacking", "greedy weights, calibrated", "best single member", "all members"} <= names
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


def test_the_figure_has_a_row_for_each_way_and_a_panel_for_each_set(tmp_path: Path) -> None:
    write(tmp_path, ["random", "random"])
    spec = FIGURES["choices"]
    files = {name: [str(tmp_path / path) for path in paths] for name, paths in spec.inputs(STUDY).items()}
    figure = spec.draw(files)
    first, second = (axis for axis in figure.axes if axis.axison)
    names = [label.get_text() for label in first.get_yticklabels()]
    assert [axis.get_title() for axis in (first, second)] == ["Set0", "Set1"]
    assert "Best with equal weights, by NLL" in names
    assert "Stacking, calibrated, by NLL" in names
    assert len(names) == len(set(names)) == 19
    table = load_table(tmp_path / "choices_held_out.parquet")
    [expected] = table.filter(dataset="set1", way="stacking", consensus="average").to_dicts()
    points = {
        (round(line.get_ydata()[0], 2), line.get_color()): line.get_xdata()[0]
        for line in second.lines
        if line.get_marker() not in ("", "None") and len(line.get_xdata()) == 1
    }
    row = names.index("Stacking, by NLL")
    assert points[row - 0.18, BLUE] == pytest.approx(expected["over_single"])
    assert points[row + 0.18, ORANGE] == pytest.approx(expected["regret"])
    assert not [line for line in first.lines if line.get_color() == ORANGE], "there is no regret on the clean set"
    assert (float(names.index("Best single member, by NLL")) - 0.18, BLUE) not in points, "0 by construction"
    assert (float(names.index("All members")) + 0.18, ORANGE) not in points


def test_only_a_study_that_averages_has_the_figure() -> None:
    assert FIGURES["choices"].exists(STUDY)
    assert not FIGURES["choices"].exists(replace(STUDY, consensus=["vote"]))
