"""The section on members that were trained together."""

from pathlib import Path
from typing import Any

import polars as pl

from scripts.lib.jobs.storage import save_json, save_table
from scripts.lib.report.ways import WaysSection, ways_section
from tests.unit.synthetic_ways import synthetic_ways


def section(folder: Path, table: pl.DataFrame, collapse: str = "") -> WaysSection:
    groups = [{"id": "ncl-w2-s1"}]
    study: dict[str, Any] = {
        "groups": groups,
        "ensembles": {"consensus": ["average"]},
        "datasets": {"validation": [{"id": "clean"}, {"id": "noise"}]},
    }
    save_table(folder / "ways.parquet", table)
    save_json(folder / "groups" / "ncl-w2-s1.json", {"group": groups[0], "collapse": collapse})
    found = ways_section(folder, study)
    assert found is not None
    return found


def test_a_study_without_groups_has_no_section(tmp_path: Path) -> None:
    assert ways_section(tmp_path, {"groups": []}) is None


def test_the_best_way_is_named_with_its_members_and_whether_it_may_be_chance(tmp_path: Path) -> None:
    first, second, *_ = section(tmp_path, synthetic_ways()).sentences
    assert "Of 4 ways of training, ncl (ncl 2) has the most accurate ensembles on the set Clean" in first
    assert "88.0 (87.0–89.0) %, with members of 83.0 (82.0–84.0) % (95 % intervals over 5 seeds)" in first
    assert "The intervals of 2 other ways overlap with its interval" in second
    apart = section(tmp_path, synthetic_ways(spread=0.1)).sentences
    assert not any("overlap" in sentence for sentence in apart)
    alone = section(tmp_path, synthetic_ways(seeds=1)).sentences
    assert "With one seed per way, chance cannot be told from an effect." in alone


def test_tables_have_a_row_for_each_way_and_penalties_on_both_kinds_of_images(tmp_path: Path) -> None:
    tables = section(tmp_path, synthetic_ways()).tables
    assert [table.caption.split(" (")[0] for table in tables[:3]] == [
        "How diversity is made: Clean",
        "How diversity is made: Mean over the shifted sets",
        "How diversity is made: Noise",
    ]
    assert [list(row[:2]) for row in tables[0].rows][1:3] == [["independent", "independent"], ["ncl", "ncl 0.5"]]
    assert tables[0].rows[0][2] == "80.0 (79.0–81.0)"
    assert tables[-1].header == ["Way", "Loss", "ncl, on training images", "ncl, on held-out images"]


def test_collapsed_groups_are_named(tmp_path: Path) -> None:
    sentences = section(tmp_path, synthetic_ways(), "no member is better than chance").sentences
    assert "In 1 group (ncl-w2-s1), no member is better than chance after the training." in sentences[-1]
