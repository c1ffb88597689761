"""Every ensemble of one dataset: how good it is, and how diverse."""

import math
from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

import numpy as np
import polars as pl
import torch
from scipy.stats import binomtest

import kernels
from scripts.lib.errors import StudyError

# All ensembles of 20 members: what memory and kernels.consensus_sweep allow.
MOST_ENSEMBLES = 2**20 - 1


def subsets(members: int, sizes: str | Sequence[int]) -> np.ndarray:
    """The ensembles to evaluate as bool [E, M], by size and then in lexicographic order of their members.

    `sizes` is "all" (from 2 to M) or a list. Raises StudyError for more ensembles than can be evaluated: all ensembles
    of more than 20 members are.
    """
    wanted = range(2, members + 1) if isinstance(sizes, str) else sorted(set(sizes))
    count = sum(math.comb(members, size) for size in wanted)
    if count > MOST_ENSEMBLES:
        raise StudyError(
            f"ensembles/sizes: {sizes} of {members} members are {count:,} ensembles, at most {MOST_ENSEMBLES:,} can be "
            'evaluated ("all" takes up to 20 members). List smaller sizes, such as [2, 3], or fewer members.'
        )
    return np.concatenate([_subsets_of_size(members, size) for size in wanted])


def _subsets_of_size(members: int, size: int) -> np.ndarray:
    positions = np.fromiter(chain.from_iterable(combinations(range(members), size)), dtype=np.intp).reshape(-1, size)
    chosen = np.zeros((len(positions), members), dtype=bool)
    np.put_along_axis(chosen, positions, True, axis=1)
    return chosen


def mean_pairwise(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Mean of the symmetric `matrix` [M, M] over the pairs of each ensemble of `chosen` [E, M].

    NaN for an ensemble of one member, and for one that has a pair without a value (NaN).
    """
    off_diagonal = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    undefined = np.isnan(off_diagonal)
    size = chosen.sum(1)
    total, pairs = _sum_over_pairs(chosen, np.where(undefined, 0, off_diagonal)), size * (size - 1)
    defined = (pairs > 0) & (_sum_over_pairs(chosen, undefined) == 0)
    return np.divide(total, pairs, out=np.full(len(total), np.nan), where=defined)


def _sum_over_pairs(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    members = chosen.astype(np.float64)
    return np.einsum("em,em->e", members @ matrix, members)


def correct_samples(probabilities: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    """How many samples each member gets right, int64 [M], from probabilities [M, N, C] and labels [N]."""
    return (probabilities.argmax(2) == labels).sum(1).cpu().numpy()


def accuracies_table(dataset: str, members: Sequence[str], right: np.ndarray, samples: int) -> pl.DataFrame:
    """Accuracy of every member in percent, with a 95 % Wilson interval over samples.

    `right` int64 [M] says how many of the `samples` each member gets right.
    """
    intervals = [binomtest(int(count), samples).proportion_ci(method="wilson") for count in right]
    return pl.DataFrame(
        {
            "position": pl.Series(range(len(members)), dtype=pl.UInt16),
            "member": list(members),
            "dataset": [dataset] * len(members),
            "samples": [samples] * len(members),
            "accuracy": 100 * right / samples,
            "low": [100 * interval.low for interval in intervals],
            "high": [100 * interval.high for interval in intervals],
        }
    )


def ensembles_table(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    settings: dict[str, Any],
    pairwise: dict[str, np.ndarray],
    baseline: int | None,
) -> pl.DataFrame:
    """One row for each ensemble and consensus; accuracies in percent, improvements in percentage points.

    `probabilities` float [M, N, C], `labels` int64 [N]; `settings` has the study's `sizes` and `consensus`; `pairwise`
    has a matrix [M, M] for each measure; `baseline` is the position of the member to compare with, or None. Null where
    there is no value: no pair, or no error that could be reduced.
    """
    chosen = subsets(len(probabilities), settings["sizes"])
    right = correct_samples(probabilities, labels)
    diversity = {name: mean_pairwise(chosen, matrix) for name, matrix in pairwise.items()}
    tables = []
    for consensus in settings["consensus"]:
        counts = _samples_right(probabilities, labels, chosen, settings["sizes"] == "all", consensus)
        columns = _columns(chosen, counts, right, len(labels), baseline)
        tables.append(_table(chosen, consensus, columns | diversity))
    return pl.concat(tables)


def _samples_right(
    probabilities: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray, all_sizes: bool, consensus: Any
) -> np.ndarray:
    """How many samples each ensemble gets right, int64 [E]."""
    if not all_sizes:
        ensembles = torch.from_numpy(chosen).to(probabilities.device)
        return kernels.consensus_sweep(probabilities, labels, ensembles, consensus).cpu().numpy()
    # The kernel is much faster where it can share work between all subsets, which it numbers by their bits.
    counts = kernels.consensus_sweep(probabilities, labels, "all", consensus).cpu().numpy()
    return counts[chosen @ (1 << np.arange(chosen.shape[1])) - 1]


def _columns(
    chosen: np.ndarray, counts: np.ndarray, right: np.ndarray, samples: int, baseline: int | None
) -> dict[str, np.ndarray]:
    """Differences are taken between whole numbers of samples, so that equal accuracies differ by exactly 0."""
    size = chosen.sum(1)
    total, best = chosen @ right, np.where(chosen, right, 0).max(1)
    gain, errors = counts * size - total, samples * size - total
    columns = {
        "accuracy": 100 * counts / samples,
        "mean_member_accuracy": 100 * total / (samples * size),
        "best_member_accuracy": 100 * best / samples,
        "improvement_over_mean": 100 * gain / (samples * size),
        "improvement_over_best": 100 * (counts - best) / samples,
    }
    if baseline is not None:
        columns["improvement_over_baseline"] = 100 * (counts - right[baseline]) / samples
    ratio = np.divide(gain, errors, out=np.full(len(gain), np.nan), where=errors > 0)
    return columns | {"error_improvement_ratio": ratio}


def _table(chosen: np.ndarray, consensus: str, columns: dict[str, np.ndarray]) -> pl.DataFrame:
    members = [np.flatnonzero(row).tolist() for row in chosen]
    table = pl.DataFrame(
        {
            "members": pl.Series(members, dtype=pl.List(pl.UInt16)),
            "size": pl.Series(chosen.sum(1), dtype=pl.UInt16),
            "consensus": [consensus] * len(chosen),
            **columns,
        }
    )
    return table.with_columns(pl.selectors.float().fill_nan(None))
