"""The data block of the report's explorer, from the tables to one JSON object: see docs/contracts.md."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, averaging
from scripts.lib.ensembles.recommendation import choices, recommended
from scripts.lib.jobs.storage import load_table
from scripts.lib.measures.spec import MEASURES
from scripts.lib.members.costs import COSTS
from scripts.lib.report.explorer.arrays import counts, packed
from scripts.lib.report.explorer.pairs import pairs_of
from scripts.lib.report.explorer.rows import Numbers, Rows, rows_of
from scripts.lib.report.labels import consensus_title, in_words, quantity

VERSION = 1
SCORES = ("nll", "brier")
MOST_MEMBERS_WITH_PAIRS = 100
COLUMNS = ("members", "size", "consensus", "accuracy", *SCORES)
FAILURES = "coincident_failure_diversity"


@dataclass(frozen=True)
class Source:
    """Where a study's tables are, and its names in their order."""

    folder: Path
    members: Sequence[str]
    datasets: Sequence[str]
    consensus: Sequence[str]
    measures: Sequence[str]
    baseline: str | None
    share: float  # of the samples, on which deployment chooses

    def table(self, path: str, columns: list[str] | None = None) -> pl.DataFrame:
        return load_table(self.folder / f"{path}.parquet", columns)


def explorer_block(folder: Path, study: Mapping[str, Any]) -> dict[str, Any]:
    """The whole block, as `page.as_data` writes it."""
    members = [member["id"] for member in study["members"]]
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    ways, measures = study["ensembles"]["consensus"], [*_computed(folder, datasets[0], study["measures"])]
    share = study["deployment"]["selection_share"]
    source = Source(folder, members, datasets, ways, measures, study["baseline"], share)
    return {
        "format": "ensemble-diversity explorer",
        "version": VERSION,
        "study": study["name"],
        "members": members,
        "baseline": None if source.baseline is None else members.index(source.baseline),
        "consensus": [
            {"name": way, "title": consensus_title(way), "averages": CONSENSUS_METHODS[way].averages} for way in ways
        ],
        "costs": _costs(source),
        "datasets": [_dataset_alone(source, dataset) for dataset in datasets],
        "choices": _choices(source),
        **_ensembles(source),
        "measures": [_measure(source, measure) for measure in measures],
        "pairs": [pairs_of(folder, dataset, members, len(datasets)) for dataset in datasets],
    }


def _computed(folder: Path, dataset: str, measures: Sequence[str]) -> Iterator[str]:
    """The measures of the study that have tables: fewer than two members may have what one compares."""
    yield from (name for name in measures if (folder / "pairwise" / dataset / f"{name}.parquet").exists())


def _costs(source: Source) -> dict[str, list[float | None]]:
    table = source.table("members").sort("position")
    return {cost: [_number(value) for value in table[cost]] for cost in COSTS if cost in table.columns}


def _dataset_alone(source: Source, dataset: str) -> dict[str, Any]:
    """The validation set and its members one by one."""
    table = source.table(f"accuracies/{dataset}").sort("position")
    samples = int(table["samples"][0])
    right = np.rint(table["accuracy"].to_numpy() * samples / 100).astype(np.int64)
    scores = {score: [_number(value) for value in table[score]] for score in SCORES}
    return {"name": dataset, "title": in_words(dataset), "samples": samples, "right": right.tolist(), **scores}


def _choices(source: Source) -> list[dict[str, Any]]:
    """What deployment recommends for each set and consensus, and the best of each size on the selection split."""
    found = []
    for dataset in source.datasets:
        table = source.table(f"deployment/{dataset}")
        for way in source.consensus:
            rows = table.filter(consensus=way)
            best = {row["size"]: list(row["members"]) for row in choices(rows, way, "size")}
            found.append(
                {
                    "dataset": dataset,
                    "consensus": way,
                    "recommended": list(recommended(rows)["members"]),
                    "best_of_size": [best[size] for size in sorted(best)],
                    "found": _found(source, dataset, way, rows),
                }
            )
    return found


def _found(source: Source, dataset: str, way: str, chosen: pl.DataFrame) -> list[dict[str, Any]]:
    """Correct answers on all samples of the ensembles that a search found, which may not be in the table of ensembles.

    Those that deployment chose have their accuracies on two splits, which together are all samples.
    """
    samples = int(source.table(f"accuracies/{dataset}", ["samples"])["samples"][0])
    selection = round(source.share * samples)
    right: dict[tuple[int, ...], int] = {}
    for row in chosen.filter(chosen_for="size").to_dicts():
        parts = ((row["selection_accuracy"], selection), (row["accuracy"], samples - selection))
        right[tuple(row["members"])] = sum(round(accuracy * count / 100) for accuracy, count in parts)
    for row in source.table(f"best_ensembles/{dataset}").filter(consensus=way).to_dicts():
        right[tuple(row["members"])] = round(row["accuracy"] * samples / 100)
    return [{"members": list(members), "right": count} for members, count in right.items() if len(members) > 1]


def _ensembles(source: Source) -> dict[str, Any]:
    """The correct answers and scores of every ensemble, for each dataset."""
    rows, arrays = None, []
    kept = [members for choice in _choices(source) for members in (choice["recommended"], *choice["best_of_size"])]
    numbers = _numbers(source)
    for dataset in source.datasets:
        columns = [*COLUMNS, *_further_columns(source, dataset)]
        table = source.table(f"ensembles/{dataset}", columns)
        first = table.filter(consensus=source.consensus[0])
        rows = rows or rows_of(len(source.members), first, numbers, kept)
        arrays.append(_of_dataset(source, dataset, table, rows, numbers.room(rows.length, scores=True)))
    assert rows is not None  # a study has at least one validation set
    return {"rows": rows.described, "ensembles": arrays}


def _numbers(source: Source) -> Numbers:
    """Counts: correct answers by each consensus, and samples on which all members are right."""
    sets, averages = len(source.datasets), len(averaging(source.consensus))
    return Numbers(sets * (len(source.consensus) + 1), sets * len(SCORES) * averages)


def _further_columns(source: Source, dataset: str) -> list[str]:
    """Coincident failure diversity, and the measures where there are too many members for their pairs."""
    path = source.folder / "ensembles" / f"{dataset}.parquet"
    wanted = (FAILURES, *(source.measures if len(source.members) > MOST_MEMBERS_WITH_PAIRS else ()))
    there = pl.read_parquet_schema(path)
    return [name for name in wanted if name in there]


def _of_dataset(source: Source, dataset: str, table: pl.DataFrame, rows: Rows, scored: bool) -> dict[str, Any]:
    samples = int(source.table(f"accuracies/{dataset}", ["samples"])["samples"][0])
    content: dict[str, Any] = {"right": {}, **{score: {} for score in SCORES}}
    for way in source.consensus:
        of_way = table.filter(consensus=way)
        right = np.rint(of_way["accuracy"].to_numpy() * samples / 100).astype(np.int64)
        content["right"][way] = counts(rows.spread(right))
        if scored and CONSENSUS_METHODS[way].averages:
            for score in SCORES:
                content[score][way] = packed(rows.spread(_floats(of_way[score]), np.nan), "f32")
    first = table.filter(consensus=source.consensus[0])
    if FAILURES in table.columns:
        content["all_right"] = counts(rows.spread(_all_right(source, dataset, first, samples)))
    columns = [name for name in source.measures if name in table.columns]
    content["measures"] = {name: packed(rows.spread(_floats(first[name]), np.nan), "f32") for name in columns}
    return content


def _all_right(source: Source, dataset: str, table: pl.DataFrame, samples: int) -> np.ndarray:
    """On how many samples all members are correct, int64 [E]: what the coincident failure diversity was computed from.

    With e errors of L members on the w samples on which not all are correct, the diversity is (L w - e) / ((L - 1) w).
    """
    alone = source.table(f"accuracies/{dataset}").sort("position")["accuracy"].to_numpy()
    wrong = samples - np.rint(alone * samples / 100).astype(np.int64)
    sizes = table["size"].to_numpy().astype(np.int64)
    errors: np.ndarray = np.zeros(len(table))
    if len(table):
        owner = np.repeat(np.arange(len(table)), sizes)
        errors = np.bincount(owner, wrong[table["members"].explode().to_numpy()], len(table))
    diversity = np.nan_to_num(_floats(table[FAILURES]))
    return samples - np.rint(errors / (sizes - (sizes - 1) * diversity)).astype(np.int64)


def _measure(source: Source, name: str) -> dict[str, Any]:
    """How a measure is shown and, up to 100 members, its value for each pair a < b: (0, 1), (0, 2), …, (1, 2), …"""
    shown, spec = quantity(name), MEASURES[name]
    described = {
        "name": name,
        "title": shown.title,
        "unit": shown.unit,
        "factor": shown.factor,
        "similarity": spec.similarity,
    }
    if len(source.members) > MOST_MEMBERS_WITH_PAIRS:
        return described
    return described | {"pairs": [_pairs(source, dataset, name) for dataset in source.datasets]}


def _pairs(source: Source, dataset: str, measure: str) -> dict[str, Any]:
    table = source.table(f"pairwise/{dataset}/{measure}", ["member_a", "member_b", "value"])
    place = {member: position for position, member in enumerate(source.members)}
    a, b = (np.array([place[member] for member in table[name]], dtype=np.int64) for name in ("member_a", "member_b"))
    matrix = np.full((len(source.members),) * 2, np.nan)
    matrix[a, b] = _floats(table["value"])
    return packed(matrix[np.triu_indices(len(matrix), 1)], "f64")


def _floats(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value
