"""The report's section on shift: what it is read from, and its tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from scripts.lib.jobs.errors import listing
from scripts.lib.jobs.storage import load_table
from scripts.lib.report.labels import consensus_title, in_words, missing, plain, signed
from scripts.lib.report.tables import Table, whole

MOST_MEMBERS_SHOWN = 40
MOST_NAMES = 6


@dataclass(frozen=True)
class ShiftTables:
    """The tables of a study with shifted sets. `held_out` has that of each dataset, the clean one first."""

    held_out: Mapping[str, pl.DataFrame]
    robustness: pl.DataFrame
    lines: pl.DataFrame
    over_sets: pl.DataFrame
    by_size: pl.DataFrame
    effects: pl.DataFrame
    predictors: pl.DataFrame

    @property
    def clean(self) -> str:
        return next(iter(self.held_out))

    def recommended(self, consensus: str) -> dict[str, dict[str, Any]]:
        """The row of the ensemble that is recommended on the clean set, for each dataset."""
        rows = {name: table.filter(recommended=True, consensus=consensus) for name, table in self.held_out.items()}
        return {name: table.row(0, named=True) for name, table in rows.items()}

    def own(self, dataset: str, consensus: str) -> dict[str, Any]:
        """The row of the ensemble that is recommended for a shifted set."""
        return self.held_out[dataset].filter(kind="own", consensus=consensus).row(0, named=True)

    def effective(self, consensus: str) -> dict[str, dict[str, Any]]:
        """The row of `robustness` of the ensemble that is recommended on the clean set, for each shifted set."""
        rows = self.robustness.filter(recommended=True, consensus=consensus)
        return {row["dataset"]: row for row in rows.iter_rows(named=True)}


def read_shift(folder: Path, datasets: Sequence[str]) -> ShiftTables | None:
    """The tables; None for a study of one validation set."""
    if len(datasets) < 2:
        return None
    names = ["robustness", "robustness_lines", "robustness_over_sets", "robustness_by_size"]
    names += ["effects_from_clean", "predictors"]
    return ShiftTables(
        {dataset: load_table(folder / "held_out" / f"{dataset}.parquet") for dataset in datasets},
        *(load_table(folder / f"{name}.parquet") for name in names),
    )


def shift_tables(shift: ShiftTables, members: Sequence[str], consensus: Sequence[str]) -> Iterator[Table]:
    """The tables of the section, in its order."""
    for way in consensus:
        yield _regret_table(shift, members, way)
    for way in consensus:
        yield _chosen_table(shift, members, way)
    yield _members_table(shift, members)
    yield _lines_table(shift)
    for way in consensus:
        yield _sizes_table(shift, way)


def _regret_table(shift: ShiftTables, members: Sequence[str], way: str) -> Table:
    rows = []
    for dataset, row in shift.recommended(way).items():
        if dataset != shift.clean:
            own = shift.own(dataset, way)
            rows.append(
                [
                    in_words(dataset),
                    _names(own["members"], members),
                    plain(row["accuracy"], 1),
                    plain(own["accuracy"], 1),
                    signed(row["regret"], 1),
                    _between(row["regret_low"], row["regret_high"]),
                    signed(row["over_best_member"], 1),
                    _between(row["over_best_low"], row["over_best_high"]),
                    whole(row["samples"]),
                ]
            )
    header = [
        "Dataset",
        "Recommended for this set",
        "Choice on the clean set (%)",
        "Choice on this set (%)",
        "Regret (points)",
        "95 % interval",
        "Over best member (points)",
        "95 % interval",
        "Samples",
    ]
    chosen = _names(shift.recommended(way)[shift.clean]["members"], members)
    caption = (
        f"Regret of the choice on {in_words(shift.clean)} ({chosen}), {consensus_title(way)}: accuracies on the "
        "evaluation split of each set"
    )
    return Table(caption, header, rows, text_columns=2)


def _names(positions: Sequence[int], members: Sequence[str]) -> str:
    return listing((members[position] for position in positions), MOST_NAMES)


def _between(low: float | None, high: float | None) -> str:
    return "–" if missing(low) or missing(high) else f"{signed(low, 1)} to {signed(high, 1)}"


ROBUSTNESS_HEADER = [
    "Clean accuracy (%)",
    "Accuracy (%)",
    "Change (points)",
    "Relative (%)",
    "Effective robustness (points)",
    "95 % interval",
]


def _chosen_table(shift: ShiftTables, members: Sequence[str], way: str) -> Table:
    table = shift.robustness.filter(pl.col("kind").is_in(["chosen", "all"]), consensus=way)
    rows = [
        [
            in_words(row["dataset"]),
            "all members together" if row["kind"] == "all" else _names(row["members"], members),
            str(row["size"]),
            plain(row["clean_accuracy"], 1),
            plain(row["accuracy"], 1),
            signed(row["change"], 1),
            plain(row["relative"], 1),
            signed(row["effective"], 1) + ("*" if row["extrapolated"] else ""),
            _between(row["effective_low"], row["effective_high"]),
        ]
        for row in table.iter_rows(named=True)
    ]
    caption = (
        f"Ensembles chosen on {in_words(shift.clean)} under shift, {consensus_title(way)}, on the evaluation splits "
        "(* where the line of the members is extrapolated)"
    )
    return Table(caption, ["Dataset", "Members", "Size", *ROBUSTNESS_HEADER], rows, text_columns=2)


def _members_table(shift: ShiftTables, members: Sequence[str]) -> Table:
    table = shift.over_sets.filter(kind="member").sort("mean_effective", descending=True, nulls_last=True)
    has_baseline = table["relative_error"].null_count() < len(table)
    rows = [
        [
            _names(row["members"], members),
            plain(row["clean_accuracy"], 1),
            plain(row["mean_accuracy"], 1),
            f"{plain(row['worst_accuracy'], 1)} ({in_words(row['worst_dataset'])})",
            signed(row["mean_effective"], 1),
            signed(row["worst_effective"], 1),
            *([plain(row["relative_error"], 1)] if has_baseline else []),
        ]
        for row in table.head(MOST_MEMBERS_SHOWN).iter_rows(named=True)
    ]
    header = ["Member", "Clean accuracy (%)", "Mean under shift (%)", "Worst (%)"]
    header += ["Mean effective robustness (points)", "Worst effective robustness (points)"]
    header += ["Error relative to the baseline (%)"] if has_baseline else []
    return Table("Members under shift, on the evaluation splits, from the most to the least robust", header, rows)


def _lines_table(shift: ShiftTables) -> Table:
    titles = {"all": "all samples", "evaluation": "evaluation split"}
    rows = [
        [
            in_words(row["dataset"]),
            titles[row["split"]],
            f"{plain(row['lowest'], 1)}–{plain(row['highest'], 1)}",
            *_coefficient(row, "intercept"),
            *_coefficient(row, "slope"),
            whole(row["members"]),
        ]
        for row in shift.lines.iter_rows(named=True)
    ]
    header = ["Dataset", "Samples", "Clean accuracy of the members (%)", "Intercept", "95 % interval"]
    caption = "Lines of the members: probit of the accuracy under shift on the probit of the accuracy on the clean set"
    return Table(caption, [*header, "Slope", "95 % interval", "Members"], rows, text_columns=2)


def _coefficient(row: Mapping[str, Any], name: str) -> Iterator[str]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    yield signed(row[name])
    yield "–" if missing(low) or missing(high) else f"{signed(low)} to {signed(high)}"


def _sizes_table(shift: ShiftTables, way: str) -> Table:
    rows = [
        [
            in_words(row["dataset"]),
            str(row["size"]),
            whole(row["ensembles"]),
            *(f"{signed(row[name], 1)} ({_range(row, name)})" for name in ("change", "effective")),
            plain(row["above_line"], 0),
            plain(row["extrapolated"], 0),
        ]
        for row in shift.by_size.filter(consensus=way).iter_rows(named=True)
    ]
    header = [
        "Dataset",
        "Size",
        "Ensembles",
        "Change of accuracy: mean (5 to 95 %)",
        "Effective robustness: mean (5 to 95 %)",
        "Above the line (%)",
        "Extrapolated (%)",
    ]
    caption = f"All ensembles under shift by size, {consensus_title(way)}, on all samples (points)"
    return Table(caption, header, rows)


def _range(row: Mapping[str, Any], name: str) -> str:
    return f"{signed(row[f'{name}_q05'], 1)} to {signed(row[f'{name}_q95'], 1)}"
