"""Accuracy and effective robustness of all evaluated ensembles under shift, on all samples.

A million ensembles on each set would double the size of a study's results, and follow from its tables within seconds.
So they are summarised by size, and `robustness_of_ensembles` computes those of every ensemble when they are needed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.halves import load_ensembles, load_members
from scripts.lib.jobs.storage import load_table
from scripts.lib.statistics.robustness import Counts, Line, effective_robustness, fit_line, is_extrapolated

QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
BY_SIZE: dict[str, Any] = {
    "dataset": pl.String,
    "consensus": pl.String,
    "size": pl.UInt16,
    "ensembles": pl.Int64,
    "clean_accuracy": pl.Float64,
    "accuracy": pl.Float64,
    "change": pl.Float64,
    **{f"change_{name}": pl.Float64 for name in QUANTILES},
    "effective": pl.Float64,
    **{f"effective_{name}": pl.Float64 for name in QUANTILES},
    "above_line": pl.Float64,
    "extrapolated": pl.Float64,
}


def counts_of_members(accuracies: str | Path) -> Counts:
    """Correct answers [M] on all samples, from `accuracies/{dataset}.parquet`."""
    halves = load_members(str(accuracies))
    return Counts(halves.right["right"].sum(0), int(halves.samples.sum()))


def counts_of_ensembles(halves: str | Path, samples: int, ensembles: int) -> dict[str, Counts]:
    """Correct answers [E] on all `samples` by consensus, from `halves/{dataset}.parquet`, of so many `ensembles`."""
    of_halves = load_ensembles(str(halves), samples, ensembles)
    return {consensus: Counts(right.sum(0), samples) for consensus, right in of_halves.right.items()}


def by_size(
    dataset: str,
    sizes: np.ndarray,
    clean: Mapping[str, Counts],
    shifted: Mapping[str, Counts],
    members: tuple[Counts, Counts],
    line: Line,
) -> pl.DataFrame:
    """One row for each consensus and size, from single members on: means and quantiles over the ensembles.

    `sizes` int [E] are in increasing order; `members` are the counts of the members on both sets. Accuracies, and the
    shares of ensembles above the line and of those where it is extrapolated, are in percent, `change` and `effective`
    in percentage points.
    """
    several = slice(int(np.searchsorted(sizes, 2)), None)
    all_sizes = np.concatenate([np.ones(len(members[0].right), sizes.dtype), sizes[several]])
    rows = []
    for way in clean:
        before, after = (
            Counts(np.concatenate([alone.right, together[way].right[several]]), alone.samples)
            for alone, together in zip(members, (clean, shifted), strict=True)
        )
        for size, part in _runs(all_sizes):
            pair = Counts(before.right[part], before.samples), Counts(after.right[part], after.samples)
            rows.append({"dataset": dataset, "consensus": way, "size": size, **_summary(*pair, line)})
    return pl.DataFrame(rows, schema=BY_SIZE).with_columns(pl.selectors.float().fill_nan(None))


def _runs(sizes: np.ndarray) -> Iterator[tuple[int, slice]]:
    """The different sizes, each with its rows."""
    different, counts = np.unique(sizes, return_counts=True)
    ends = np.cumsum(counts)
    yield from ((int(size), slice(end - count, end)) for size, count, end in zip(different, counts, ends, strict=True))


def _summary(clean: Counts, shifted: Counts, line: Line) -> dict[str, float]:
    before, after = (100 * counts.right / counts.samples for counts in (clean, shifted))
    effective, known = effective_robustness(clean, shifted, line), not line.reason
    found = {"ensembles": len(before), "clean_accuracy": before.mean(), "accuracy": after.mean()}
    for name, values in {"change": after - before, "effective": effective}.items():
        quantiles = np.quantile(values, list(QUANTILES.values()))
        found |= {name: values.mean()} | {f"{name}_{q}": each for q, each in zip(QUANTILES, quantiles, strict=True)}
    found["above_line"] = 100 * (effective > 0).mean() if known else np.nan
    found["extrapolated"] = 100 * is_extrapolated(clean, line).mean() if known else np.nan
    return found


def robustness_of_ensembles(folder: str | Path, clean: str, dataset: str, consensus: str) -> pl.DataFrame:
    """Every ensemble of a finished study on one shifted set: a row for each, in the order of the tables of ensembles.

    `folder` is `results/{study}`, `clean` its first validation set. The columns are members, size, clean_accuracy and
    accuracy (percent), change and effective (percentage points), relative (percent) and extrapolated. Raises StudyError
    for a table that is missing or damaged.
    """
    folder = Path(folder)
    of_members = [counts_of_members(folder / "accuracies" / f"{name}.parquet") for name in (clean, dataset)]
    line = fit_line(*of_members)
    columns = ["members", "size", "consensus"]
    table = load_table(folder / "ensembles" / f"{dataset}.parquet", columns).filter(consensus=consensus)
    before, after = (
        counts_of_ensembles(folder / "halves" / f"{name}.parquet", members.samples, len(table))[consensus]
        for name, members in zip((clean, dataset), of_members, strict=True)
    )
    table = table.select("members", "size").with_columns(
        clean_accuracy=100 * before.right / before.samples, accuracy=100 * after.right / after.samples
    )
    return table.with_columns(
        change=pl.col("accuracy") - pl.col("clean_accuracy"),
        relative=pl.when(pl.col("clean_accuracy") > 0).then(100 * pl.col("accuracy") / pl.col("clean_accuracy")),
        effective=effective_robustness(before, after, line),
        extrapolated=is_extrapolated(before, line),
    ).with_columns(pl.selectors.float().fill_nan(None))
