"""Members and chosen ensembles under shift, on the evaluation split of each set, and the lines of the members.

The interval of an effective robustness has two sources of chance. The line is that of these members, and would be
another one of other members: each member in turn is left out (jackknife). All accuracies are those of these images: the
images are drawn again (`resampled` in `ensembles.held_out`), for the line and for the ensemble together. The variances
are added, and the interval is that of Student's t with M - 1 degrees of freedom.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from scripts.lib.statistics.robustness import (
    Counts,
    JackknifedLine,
    Line,
    beyond_line,
    effective_robustness,
    is_extrapolated,
    jackknifed_line,
    least_squares,
)

KEYS = ("kind", "consensus", "size", "members", "recommended")
LINES: dict[str, Any] = {
    "dataset": pl.String,
    "split": pl.String,
    "members": pl.Int64,
    "lowest": pl.Float64,
    "highest": pl.Float64,
    **dict.fromkeys(("intercept", "intercept_low", "intercept_high", "slope", "slope_low", "slope_high"), pl.Float64),
    "reason": pl.String,
}


@dataclass(frozen=True)
class HeldOut:
    """One dataset: the table of `ensembles.held_out` and its counts if samples are drawn again, int [R, K]."""

    table: pl.DataFrame
    resampled: np.ndarray

    def rows(self, kinds: Sequence[str]) -> "HeldOut":
        """Only the rows of some kinds."""
        kept = self.table["kind"].is_in(list(kinds))
        return HeldOut(self.table.filter(kept), self.resampled[:, kept.to_numpy()])

    def counts(self) -> Counts:
        """Correct answers [K]."""
        return Counts(self.table["right"].to_numpy(), int(self.table["samples"][0]))

    def drawn(self) -> Counts:
        """Correct answers [R, K] of samples that are drawn again."""
        return Counts(self.resampled, int(self.table["samples"][0]))


def lines_table(lines: Mapping[tuple[str, str], JackknifedLine]) -> pl.DataFrame:
    """One row per line, by dataset and split; the range of accuracies on the clean set is in percent."""
    return pl.DataFrame([_line(*key, found) for key, found in lines.items()], schema=LINES).with_columns(
        pl.selectors.float().fill_nan(None)
    )


def _line(dataset: str, split: str, found: JackknifedLine) -> dict[str, Any]:
    line = found.line
    row: dict[str, Any] = {"dataset": dataset, "split": split, "members": len(found.without)}
    row |= {"lowest": 100 * line.lowest, "highest": 100 * line.highest, "reason": line.reason or None}
    for name, value, ends in (
        ("intercept", line.intercept, found.intercept_interval()),
        ("slope", line.slope, found.slope_interval()),
    ):
        row |= {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return row


def line_of_table(row: Mapping[str, Any]) -> Line:
    """The line of a row of `lines_table`."""
    numbers = [np.nan if row[name] is None else row[name] for name in ("intercept", "slope", "lowest", "highest")]
    return Line(numbers[0], numbers[1], numbers[2] / 100, numbers[3] / 100, row["reason"] or "")


def members_line(clean: HeldOut, shifted: HeldOut) -> JackknifedLine:
    """The line of the single members on the evaluation splits."""
    return jackknifed_line(*(data.rows(["member"]).counts() for data in (clean, shifted)))


def robustness_table(clean: HeldOut, shifted: HeldOut) -> pl.DataFrame:
    """One row for each member, each ensemble chosen on the clean set, and all members together.

    Accuracies and `relative` (accuracy / accuracy on the clean set) are in percent, differences in percentage points.
    Null where there is no line, no interval, or where nothing is right on the clean set.
    """
    found = members_line(clean, shifted)
    judged = ["member", "chosen", "all"]
    before, after = clean.rows(judged), shifted.rows(judged)
    columns = _effective(before, after, found, _drawn_error(clean, shifted, before, after))
    own = {
        "samples": after.table["samples"],
        "clean_samples": before.table["samples"],
        "clean_accuracy": before.table["accuracy"],
        "accuracy": after.table["accuracy"],
        "change": after.table["accuracy"] - before.table["accuracy"],
        "relative": 100 * after.table["accuracy"] / before.table["accuracy"],
    }
    table = after.table.select("dataset", *KEYS).with_columns(**own, **columns)
    return table.with_columns(pl.selectors.float().fill_nan(None)).with_columns(
        relative=pl.when(pl.col("clean_accuracy") > 0).then("relative")
    )


def _effective(before: HeldOut, after: HeldOut, found: JackknifedLine, drawn_error: np.ndarray) -> dict[str, Any]:
    clean, shifted, members = before.counts(), after.counts(), len(found.without)
    whole = effective_robustness(clean, shifted, found.line)
    without = np.stack([effective_robustness(clean, shifted, line) for line in found.without])
    variance = (members - 1) / members * ((without - without.mean(0)) ** 2).sum(0) + drawn_error**2
    half = (stdtrit(members - 1, 0.975) if members > 1 else np.nan) * np.sqrt(variance)
    outside = pl.Series(is_extrapolated(clean, found.line))
    return {
        "effective": whole,
        "effective_low": whole - half,
        "effective_high": whole + half,
        "extrapolated": outside if not found.line.reason else pl.Series([None] * len(whole), dtype=pl.Boolean),
    }


def _drawn_error(clean: HeldOut, shifted: HeldOut, before: HeldOut, after: HeldOut) -> np.ndarray:
    """Standard error over images of the effective robustness of the rows of `before` and `after`, [K]."""
    intercept, slope = least_squares(*(data.rows(["member"]).drawn().probits() for data in (clean, shifted)))
    return beyond_line(before.drawn(), after.drawn(), intercept[:, None], slope[:, None]).std(0)


def over_sets_table(robustness: pl.DataFrame, baseline: int | None) -> pl.DataFrame:
    """One row for each member and ensemble: mean and worst over the shifted sets.

    `relative_error` is the error relative to that of the member at position `baseline`, in percent: the mean over the
    sets of the ratio on each (as the mCE of Hendrycks & Dietterich 2019, whose sets are corruptions). Null without a
    baseline, and where the baseline makes no error.
    """
    errors = _with_relative_error(robustness, baseline)
    worst = pl.col("accuracy").arg_min()
    return errors.group_by(KEYS, maintain_order=True).agg(
        sets=pl.len(),
        clean_accuracy=pl.col("clean_accuracy").first(),
        mean_accuracy=pl.col("accuracy").mean(),
        worst_accuracy=pl.col("accuracy").get(worst),
        worst_dataset=pl.col("dataset").get(worst),
        mean_change=pl.col("change").mean(),
        mean_effective=_mean_if_complete("effective"),
        worst_effective=pl.when(pl.col("effective").null_count() == 0).then(pl.col("effective").min()),
        relative_error=_mean_if_complete("relative_error"),
    )


def _mean_if_complete(column: str) -> pl.Expr:
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).mean())


def _with_relative_error(robustness: pl.DataFrame, baseline: int | None) -> pl.DataFrame:
    if baseline is None:
        return robustness.with_columns(relative_error=pl.lit(None, pl.Float64))
    alone = robustness.filter(pl.col("members") == [baseline], kind="member")
    reference = alone.select("dataset", baseline_error=100 - pl.col("accuracy"))
    ratio = 100 * (100 - pl.col("accuracy")) / pl.col("baseline_error")
    joined = robustness.join(reference, on="dataset", how="left", maintain_order="left")
    return joined.with_columns(relative_error=pl.when(pl.col("baseline_error") > 0).then(ratio))
