"""The report's tables on calibration: temperatures, and scores before and after scaling."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.labels import NO_TEMPERATURE, SCALINGS, in_words, missing, plain, signed
from scripts.lib.report.tables import Table, whole

MOST_MEMBERS_SHOWN = 40


def temperatures_table(temperatures: pl.DataFrame, members: Sequence[str], clean: str) -> Table:
    """The temperature of every member and of the shown ensembles, and their NLL where it was fitted."""
    samples = int(temperatures["samples"][0])
    rows = [
        [
            _name(row, members),
            row["averaging"] or "–",
            plain(row["temperature"], 3),
            plain(row["nll_before"], 3),
            plain(row["nll_after"], 3),
            _remark(row),
        ]
        for row in _shown(temperatures).iter_rows(named=True)
    ]
    caption = f"Temperatures, fitted on the {samples} samples of the selection split of {in_words(clean)}"
    header = ["Forecast", "Average", "Temperature", "NLL before (nats)", "NLL after (nats)", "Remark"]
    return Table(caption, header, rows, text_columns=2)


def _remark(row: Mapping[str, Any]) -> str:
    if row["reason"] is not None:
        return f"none: {NO_TEMPERATURE[row['reason']]}"
    return "at the limit of the search" if row["at_limit"] else ""


def calibration_tables(tables: Mapping[str, pl.DataFrame], members: Sequence[str]) -> Iterator[Table]:
    """Scores of members and ensembles on the evaluation split, one table for each dataset."""
    header = [
        "Forecast",
        "Average",
        "Temperatures",
        "Accuracy (%)",
        "Confidence (%)",
        "NLL (nats)",
        "Change of NLL (95 % interval)",
        "Clipped samples",
        "Brier score",
        "ECE",
        "ECE, equal mass",
        "AURC",
    ]
    for dataset, table in tables.items():
        rows = [_row(row, members) for row in _shown(table).drop_nulls("samples").iter_rows(named=True)]
        samples = int(table["samples"].drop_nulls()[0])
        caption = f"Calibration on {in_words(dataset)}: the {samples} samples of the evaluation split"
        yield Table(caption, header, rows, text_columns=3)


def _row(row: Mapping[str, Any], members: Sequence[str]) -> list[str]:
    return [
        _name(row, members),
        row["averaging"] or "–",
        SCALINGS[row["scaling"]],
        plain(row["accuracy"], 1),
        plain(100 * row["mean_confidence"], 1),
        plain(row["nll"], 3),
        _change(row),
        whole(row["nll_clipped"]),
        *(plain(row[name], 3) for name in ("brier", "ece", "ece_equal_mass", "aurc")),
    ]


def _change(row: Mapping[str, Any]) -> str:
    if missing(row["nll_change"]):
        return "–"
    change = signed(row["nll_change"], 3)
    if missing(row["nll_change_low"]):
        return change
    return f"{change} ({signed(row['nll_change_low'], 3)} to {signed(row['nll_change_high'], 3)})"


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the first members, of the recommended ensemble and of that of all members."""
    first = (pl.col("role") == "member") & (pl.col("members").list.first() < MOST_MEMBERS_SHOWN)
    return table.filter(first | pl.col("recommended") | (pl.col("role") == "all_members"))


def _name(row: Mapping[str, Any], members: Sequence[str]) -> str:
    if row["role"] == "member":
        return members[row["members"][0]]
    return f"all {row['size']} members" if row["role"] == "all_members" else f"recommended {row['size']} members"
