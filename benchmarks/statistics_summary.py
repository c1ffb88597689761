"""From the results of simulated studies (benchmarks/statistics.py) to results/statistics.csv.

One row for each truth, number of members, of images and of validation sets, consensus and measure. Columns that begin
with `n_` are numbers of studies, out of `studies`:

- `plain_p`, `once_called`: of plain correlations, Mantel's p below .05; q below .05 and a jackknife interval that
  excludes 0, which reports once called "significant" (q over disagreement, the unrelated diversity and mean accuracy).
- `same_p`: p of the effect below .05 if diversity and accuracy came from the same half of the images.
- `p`, `interval`, `shown`: p of the effect below .05; its interval of percentage points excludes 0; reported as shown,
  if it were the only effect of the study (q = p).
- `intervals`: the interval exists. `covers_mean`: it covers the mean estimate of such studies. `covers_large`: it
  covers the mean estimate of studies of 10 000 images with equally many such members.
- `share_covers`: the interval of the share in the variance of accuracy covers the mean share of such studies.

`…_mean` and `…_sd` are over studies; `points_error` is the root of the mean square of the jackknife's standard errors.

The rows with the measure "any" look at all effects of a study together, with q over all of them: `n_shown` counts
studies with at least one effect that is reported as shown, `n_false` those with one that is not there, and
`false_share` is the mean share of those among the effects shown (0 where none is): the false discovery rate.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from benchmarks.common import RESULTS
from scripts.lib.jobs.storage import load_table, whole_file
from scripts.lib.report.findings_diversity import LIMIT, is_shown
from tests.simulations.members import TRUTHS, UNRELATED

TABLE = RESULTS / "statistics.csv"
KEYS = ("truth", "members", "samples", "sets")
LARGE = 10_000
WITHOUT_EFFECT = {truth.name for truth in TRUTHS if not truth.shared}
Row = dict[str, Any]


def write(folder: Path) -> None:
    """Summarise all results in `folder`. Raises SystemExit if there are none, or if they are of different code."""
    tables = [load_table(path) for path in sorted(folder.glob("*.parquet"))]
    if not tables:
        raise SystemExit(f"{folder} has no results: run python -m benchmarks.statistics {folder}")
    results = pl.concat(tables)
    if results.select("code", "seed").n_unique() > 1:
        raise SystemExit(f"{folder} has results of different code or seeds: run again without --summarise")
    with whole_file(TABLE) as part:
        summary(results).write_csv(part)


def summary(results: pl.DataFrame) -> pl.DataFrame:
    """The rows of the CSV, in the order of truths, members, images, sets, consensus and measures."""
    rows = []
    for key, cell in results.group_by(KEYS, maintain_order=True):
        said = dict(zip(KEYS, key, strict=True))
        made = {name: cell[name][0] for name in ("seed", "permutations", "commit", "machine")}
        made["processor_s"] = round(cell["seconds"].unique().sum())  # one number in each file
        large = results.filter(pl.col("samples") == LARGE, truth=said["truth"], members=said["members"])
        measures = _of_measures(cell, large) if said["sets"] == 1 else iter(())
        rows += [said | row | made for row in (*measures, _of_family(cell, str(said["truth"])))]
    order = {truth.name: number for number, truth in enumerate(TRUTHS)}
    table = pl.DataFrame(rows, infer_schema_length=None)
    return table.sort(pl.col("truth").replace_strict(order), *KEYS[1:], maintain_order=True)


def _of_measures(cell: pl.DataFrame, large: pl.DataFrame) -> Iterator[Row]:
    for (consensus, measure), rows in cell.group_by("consensus", "measure", maintain_order=True):
        same = large.filter(consensus=consensus, measure=measure)
        row = {"consensus": consensus, "measure": measure, "studies": len(rows)}
        yield row | _estimates(rows) | _counts(rows) | _coverage(rows, same["per_sd"].mean())


def _estimates(rows: pl.DataFrame) -> Row:
    limits = stdtrit(rows["members"][0] - 1, 0.975)
    error = (rows["per_sd_high"] - rows["per_sd_low"]).to_numpy() / 2 / limits
    found = {f"{name}_mean": _mean(rows[column]) for name, column in MEANS.items()}
    found |= {f"{name}_sd": _short(rows[MEANS[name]].std()) for name in ("partial", "points")}
    return found | {"points_error": _short(float(np.sqrt(np.nanmean(error**2))))}


MEANS = {"partial": "partial", "points": "per_sd", "same_partial": "same_partial"}
MEANS |= {"same_points": "same_per_sd", "plain_r": "plain_pearson"}
MEANS |= {"share": "variance_share", "unique": "variance_unique"}


def _mean(values: pl.Series) -> float | None:
    return _short(values.mean())


def _short(value: Any) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _counts(rows: pl.DataFrame) -> Row:
    alone = [is_shown(row | {"q_value": row["p_value"]}) for row in rows.iter_rows(named=True)]
    without_zero = rows["per_sd_low"] * rows["per_sd_high"] > 0
    once = (rows["plain_q_value"] < LIMIT) & (rows["plain_ci_low"] * rows["plain_ci_high"] > 0)
    flags = {
        "plain_p": rows["plain_p_value"] < LIMIT,
        "once_called": once,
        "same_p": rows["same_p_value"] < LIMIT,
        "p": rows["p_value"] < LIMIT,
        "interval": without_zero,
        "shown": pl.Series(alone),
    }
    known = {"plain_p": "plain_p_value", "once_called": "plain_p_value", "same_p": "same_p_value"}
    return {
        f"n_{name}": None if name in known and rows[known[name]].is_null().all() else int(values.sum())
        for name, values in flags.items()
    }


def _coverage(rows: pl.DataFrame, large: Any) -> Row:
    """`large` is the mean estimate at the largest number of images."""
    mean, share = rows["per_sd"].mean(), rows["variance_share"].mean()
    return {
        "n_intervals": rows["per_sd_low"].count(),
        "n_covers_mean": _covering(rows, "per_sd_low", "per_sd_high", mean),
        "n_covers_large": _covering(rows, "per_sd_low", "per_sd_high", large),
        "n_share_covers": _covering(rows, "variance_low", "variance_high", share),
    }


def _covering(rows: pl.DataFrame, low: str, high: str, target: Any) -> int | None:
    return None if target is None else int(((rows[low] <= target) & (rows[high] >= target)).sum())


def _of_family(cell: pl.DataFrame, truth: str) -> Row:
    """All effects of a study, with q over all of them."""
    studies = []
    for _, study in cell.group_by("study", maintain_order=True):
        shown = [row for row in study.iter_rows(named=True) if is_shown(row)]
        false = [row for row in shown if truth in WITHOUT_EFFECT or row["measure"] == UNRELATED]
        studies.append((len(shown) > 0, len(false) > 0, len(false) / max(1, len(shown)), len(study)))
    any_shown, any_false, share, effects = np.mean(studies, axis=0)
    return {
        "consensus": "any",
        "measure": "any",
        "studies": len(studies),
        "effects": round(effects),
        "n_shown": round(any_shown * len(studies)),
        "n_false": round(any_false * len(studies)),
        "false_share": _short(share),
    }
