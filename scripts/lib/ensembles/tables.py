"""How accurate and how diverse members and ensembles are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.ensembles.counts import Tally
from scripts.lib.ensembles.halves import per_sample
from scripts.lib.ensembles.intervals import wilson_interval
from scripts.lib.ensembles.scores import brier_score
from scripts.lib.ensembles.subsets import mean_of_members, mean_pairwise
from scripts.lib.ensembles.sums import in_blocks, ratio, sum_over_pairs
from scripts.lib.ensembles.whole_ensembles import ensemble_measures

FIRST_COLUMNS = (
    "members",
    "size",
    "consensus",
    "accuracy",
    "mean_member_accuracy",
    "best_member_accuracy",
)


def accuracies_table(dataset: str, members: Sequence[str], halves: Sequence[Tally]) -> pl.DataFrame:
    """Accuracy of every member in percent, with a 95 % Wilson interval over samples; its proper scores and calibration.

    `halves` are the tallies of the even and of the odd samples. The confidence on a sample is the largest probability,
    from 0 to 1. `one_hot` is how many of the samples have a largest probability of 1 (as a float32).
    """
    even, odd = halves
    tally = even + odd
    right, samples, sums = tally.joint.diagonal(), tally.samples, tally.of_members
    low, high = wilson_interval(right, samples)
    scores = sums.scores(samples)
    return pl.DataFrame(
        {
            "position": pl.Series(range(len(members)), dtype=pl.UInt16),
            "member": list(members),
            "dataset": [dataset] * len(members),
            "samples": [samples] * len(members),
            "accuracy": 100 * right / samples,
            "low": low,
            "high": high,
            "right_even": even.joint.diagonal(),
            "right_odd": odd.joint.diagonal(),
            "confidence_even": _mean_confidence(even),
            "confidence_odd": _mean_confidence(odd),
            "nll": scores["nll"],
            "nll_even": per_sample(even.of_members.nll, even.samples),
            "nll_odd": per_sample(odd.of_members.nll, odd.samples),
            "nll_clipped": sums.nll_clipped,
            "brier": scores["brier"],
            "ece": sums.calibration_error(samples),
            "one_hot": sums.one_hot,
        }
    )


def _mean_confidence(half: Tally) -> np.ndarray:
    """Of each member, float64 [M]; NaN on a half without samples."""
    return per_sample(half.of_members.confidence(half.joint.diagonal()), half.samples)


def ensembles_table(
    tally: Tally, chosen: np.ndarray, pairwise: dict[str, np.ndarray], baseline: int | None
) -> pl.DataFrame:
    """One row for each ensemble and consensus; accuracies in percent, improvements in percentage points.

    `chosen` bool [E, M] are the ensembles that `tally` counted; `pairwise` has a matrix [M, M] for each measure;
    `baseline` is the position of the member to compare with, or None. Null where a value is undefined: no pair, no
    error that could be reduced, or a consensus without probabilities to score.
    """
    alone = _alone(chosen, tally.joint.diagonal())
    diversity = ensemble_measures(tally, chosen)
    diversity |= {name: mean_pairwise(chosen, matrix) for name, matrix in pairwise.items()}
    shared = _floats_or_null({**_columns_of_members(chosen, alone, tally.samples), **diversity})
    reference = None if baseline is None else tally.joint[baseline, baseline]
    scores = pl.DataFrame(_columns_of_scores(tally, chosen, baseline))
    tables = []
    for consensus, counts in tally.right.items():
        own = _floats_or_null(_columns_of_consensus(counts, alone, tally.samples, reference))
        scored = scores if CONSENSUS_METHODS[consensus].averages else scores.clear(len(scores))  # null
        own = pl.concat([own, scored], how="horizontal")
        table = pl.concat([shared, own], how="horizontal").with_columns(consensus=pl.lit(consensus))
        tables.append(table.select(*dict.fromkeys([*FIRST_COLUMNS, *own.columns, *diversity])))
    return pl.concat(tables)  # what all consensus share is in memory once


@dataclass(frozen=True)
class _Alone:
    """Members of each ensemble, int64 [E]: their number, the sum of their correct answers, and those of the best."""

    size: np.ndarray
    total: np.ndarray
    best: np.ndarray


def _alone(chosen: np.ndarray, right: np.ndarray) -> _Alone:
    total = in_blocks(chosen, lambda block: block @ right)
    best = in_blocks(chosen, lambda block: np.where(block, right, 0).max(1))
    return _Alone(chosen.sum(1), total, best)


def _columns_of_members(chosen: np.ndarray, alone: _Alone, samples: int) -> dict[str, Any]:
    return {
        "members": lists_of_members(chosen),
        "size": pl.Series(alone.size, dtype=pl.UInt16),
        "mean_member_accuracy": 100 * alone.total / (samples * alone.size),
        "best_member_accuracy": 100 * alone.best / samples,
    }


def _columns_of_consensus(
    counts: np.ndarray, alone: _Alone, samples: int, reference: int | None
) -> dict[str, np.ndarray]:
    """Differences are computed from whole numbers of samples, so that equal accuracies differ by exactly 0."""
    gain, errors = counts * alone.size - alone.total, samples * alone.size - alone.total
    columns = {
        "accuracy": 100 * counts / samples,
        "improvement_over_mean": 100 * gain / (samples * alone.size),
        "improvement_over_best": 100 * (counts - alone.best) / samples,
    }
    if reference is not None:
        columns["improvement_over_baseline"] = 100 * (counts - reference) / samples
    return columns | {"error_improvement_ratio": ratio(gain, errors)}


def _columns_of_scores(tally: Tally, chosen: np.ndarray, baseline: int | None) -> dict[str, np.ndarray]:
    """Scores of the members' mean probabilities, and how much smaller, so better, they are than those of members."""
    size, sums = chosen.sum(1), tally.of_members
    true = in_blocks(chosen, lambda block: block @ sums.true)
    brier = brier_score(sum_over_pairs(chosen, sums.gram), true, size, tally.samples)
    columns = {}
    for name, values in {"nll": tally.nll / tally.samples, "brier": brier}.items():
        alone = sums.scores(tally.samples)[name]
        columns[name] = values
        if name == "nll":
            columns["nll_clipped"] = tally.nll_clipped
        columns |= _improvements_of_score(name, values, alone, chosen, baseline)
    return columns


def _improvements_of_score(
    name: str, values: np.ndarray, alone: np.ndarray, chosen: np.ndarray, baseline: int | None
) -> dict[str, np.ndarray]:
    """Of the ensembles' `values` [E] over the mean, the best and the baseline member, whose scores are `alone` [M]."""
    mean = in_blocks(chosen, lambda block: mean_of_members(block, alone))
    best = in_blocks(chosen, lambda block: np.where(block, alone, np.inf).min(1))
    references = {"mean": mean, "best": best} | ({} if baseline is None else {"baseline": alone[baseline]})
    return {f"{name}_improvement_over_{member}": reference - values for member, reference in references.items()}


def lists_of_members(chosen: np.ndarray) -> pl.Series:
    """The positions of the members of each ensemble, list of u16 [E], without a Python object for each."""
    sizes = chosen.sum(1)
    positions = pl.Series(np.nonzero(chosen)[1].astype(np.uint16))
    lists, first, start = [pl.Series(dtype=pl.List(pl.UInt16))], 0, 0
    for end in np.flatnonzero(np.diff(sizes, append=-1)) + 1:  # of the runs of ensembles of one size
        shape = (end - start, sizes[start])
        last = first + shape[0] * shape[1]
        lists.append(positions[first:last].reshape(shape).arr.to_list())
        first, start = last, end
    return pl.concat(lists)


def _floats_or_null(columns: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(pl.selectors.float().fill_nan(None))
