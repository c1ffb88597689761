"""A table as CSV can be read back, also where cells are lists, missing, or text that looks like syntax."""

import csv
import json
from pathlib import Path

import polars as pl

from scripts.lib.jobs.csv_tables import save_csv


def test_every_cell_is_found_again(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "name": ['a,"b"', "line\nbreak", None],
            "members": [["resnet", "ü"], [], None],
            "cost": [{"macs": 3}, {"macs": None}, None],
            "value": [1 / 3, float("nan"), None],
        }
    )
    save_csv(tmp_path / "deep" / "table.csv", table)
    with (tmp_path / "deep" / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ['a,"b"', "line\nbreak", ""]
    assert [json.loads(row["members"]) for row in rows[:2]] == [["resnet", "ü"], []]
    assert [json.loads(row["cost"]) for row in rows[:2]] == [{"macs": 3}, {"macs": None}]
    assert float(rows[0]["value"]) == 1 / 3
    assert [rows[1]["value"], *(rows[2][name] for name in table.columns)] == ["NaN", "", "", "", ""]


def test_a_table_without_rows_has_its_header(tmp_path: Path) -> None:
    save_csv(tmp_path / "table.csv", pl.DataFrame(schema={"a": pl.Int64, "b": pl.List(pl.String)}))
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == "a,b\n"
