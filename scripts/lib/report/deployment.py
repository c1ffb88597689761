"""The report's section on which ensemble to deploy."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from scripts.lib.jobs.errors import listing
from scripts.lib.jobs.storage import load_table
from scripts.lib.report.choices import choices_tables, sentence_on_choices
from scripts.lib.report.deployment_summary import sentences
from scripts.lib.report.labels import consensus_title, in_words, missing, plain, signed
from scripts.lib.report.tables import Table

MOST_SIZES = 8  # of each dataset; deployment/{dataset}.parquet has all
MOST_MEMBERS_SHOWN = 40
MOST_NAMES = 6


def deployment_section(folder: Path, study: Mapping[str, Any]) -> dict[str, Any]:
    """The sentences and tables, from `deployment/` and `contributions/`."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    chosen, contributed = (
        {dataset: load_table(folder / name / f"{dataset}.parquet") for dataset in datasets}
        for name in ("deployment", "contributions")
    )
    accuracies = {dataset: load_table(folder / "accuracies" / f"{dataset}.parquet") for dataset in datasets}
    members = [member["id"] for member in study["members"]]
    samples = {dataset: int(table["samples"][0]) for dataset, table in accuracies.items()}
    share, consensus = study["deployment"]["selection_share"], study["ensembles"]["consensus"]
    return {
        "share": plain(100 * share, 0),
        "sentences": [*sentences(chosen, members, samples, share, consensus[0]), *sentence_on_choices(folder)],
        "tables": [
            *(_sizes_table(chosen, members, way) for way in consensus),
            *choices_tables(folder),
            *(_contributions_table(contributed, way) for way in consensus),
        ],
    }


def _sizes_table(chosen: Mapping[str, pl.DataFrame], members: Sequence[str], consensus: str) -> Table:
    rows = [
        [in_words(dataset), *_ensemble(row, members)]
        for dataset, table in chosen.items()
        for row in table.filter(consensus=consensus, chosen_for="size").sort("size").head(MOST_SIZES).to_dicts()
    ]
    header = [
        "Dataset",
        "Members",
        "Size",
        "Accuracy on the selection split (%)",
        "Held-out accuracy (%)",
        "95 % interval",
        "Over best member (points)",
        "95 % interval",
    ]
    caption = (
        f"The best ensemble of each size, {consensus_title(consensus)}: chosen on the selection split, evaluated on "
        "the evaluation split"
    )
    return Table(caption, [*header, "MACs (M)", "Latency (ms)", "Parameters (M)"], rows, text_columns=2)


def _ensemble(row: Mapping[str, Any], members: Sequence[str]) -> Iterator[str]:
    yield listing((members[position] for position in row["members"]), MOST_NAMES)
    yield str(row["size"])
    yield plain(row["selection_accuracy"], 1)
    yield plain(row["accuracy"], 1)
    yield f"{plain(row['low'], 1)}–{plain(row['high'], 1)}"
    yield signed(row["over_best_member"], 1)
    yield f"{signed(row['over_best_low'], 1)} to {signed(row['over_best_high'], 1)}"
    for key, unit in (("macs", 1e6), ("latency_ms", 1), ("parameters", 1e6)):
        yield "–" if missing(row[key]) else plain(row[key] / unit, 1)


def _contributions_table(contributed: Mapping[str, pl.DataFrame], consensus: str) -> Table:
    """What members contribute; if there are many, those with the largest values on the first dataset."""
    first = next(iter(contributed.values())).filter(consensus=consensus)
    key = "leave_one_out" if first["shapley"].null_count() else "shapley"
    order = first.sort(key, descending=True)["member"].head(MOST_MEMBERS_SHOWN)
    cells: dict[str, list[str]] = {member: [member] for member in order}
    for table in contributed.values():
        for row in table.filter(pl.col("member").is_in(order), consensus=consensus).to_dicts():
            shapley = "" if missing(row["shapley"]) else f"{plain(row['shapley'], 1)} "
            cells[row["member"]].append(f"{shapley}({signed(row['leave_one_out'], 1)})")
    what = "Shapley value and, in brackets," if key == "shapley" else "in brackets,"
    caption = (
        f"What each member contributes, {consensus_title(consensus)}: {what} the accuracy that the ensemble of all "
        "members loses without this member (in percentage points)"
    )
    return Table(caption, ["Member", *map(in_words, contributed)], list(cells.values()))
