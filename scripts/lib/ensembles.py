"""Every ensemble of one dataset: how good it is, and how diverse."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from scipy.stats import binomtest

import kernels
from scripts.lib.errors import StudyError
from scripts.lib.predictions import Predictions, predicted_classes

# 2^20 ensembles: what kernels.consensus_sweep evaluates exhaustively.
MOST_MEMBERS = 20


def subsets(members: int, sizes: str | Sequence[int]) -> np.ndarray:
    """The ensembles to evaluate as bool [E, M], by size and then in lexicographic order of their members.

    `sizes` is "all" (from 2 to M) or a list. Raises StudyError for more members than all ensembles can be made of.
    """
    if members > MOST_MEMBERS:
        raise StudyError(
            f"all ensembles of {members} members are too many: at most {MOST_MEMBERS} members are possible."
        )
    wanted = range(2, members + 1) if isinstance(sizes, str) else sizes
    numbers = np.arange(1, 1 << members)
    chosen = (numbers[:, None] >> np.arange(members)) & 1 == 1
    size = chosen.sum(1)
    # Descending order of "member 0 is in, member 1 is in, …" is the lexicographic order of the member lists.
    order = np.lexsort([*(~chosen[:, ::-1]).T, size])
    return chosen[order[np.isin(size[order], list(wanted))]]


def mean_pairwise(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Mean of `matrix` [M, M] over the pairs of each ensemble of `chosen` [E, M].

    NaN for an ensemble of one member, and for one that has a pair without a value.
    """
    pairs = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    undefined = np.isnan(pairs)
    total, count = (
        _sum_over_pairs(chosen, np.where(undefined, 0, pairs)),
        _sum_over_pairs(chosen, 1 - np.eye(len(matrix))),
    )
    defined = (count > 0) & (_sum_over_pairs(chosen, undefined) == 0)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=defined)


def _sum_over_pairs(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    members = chosen.astype(np.float64)
    return np.einsum("em,em->e", members @ matrix, members)


def ensembles_table(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    settings: dict[str, Any],
    pairwise: dict[str, np.ndarray],
    baseline: int | None,
) -> pl.DataFrame:
    """One row for each ensemble and consensus; accuracies in percent, improvements in percentage points.

    `probabilities` float [M, N, C], `labels` int64 [N]; `settings` has the study's `sizes` and `consensus`; `pairwise`
    has a matrix [M, M] for each measure; `baseline` is the position of the member to compare with, or None.
    """
    chosen = subsets(len(probabilities), settings["sizes"])
    single = _percent((probabilities.argmax(2) == labels).sum(1), labels)
    diversity = {name: mean_pairwise(chosen, matrix) for name, matrix in pairwise.items()}
    ensembles = torch.from_numpy(chosen).to(probabilities.device)
    tables = []
    for consensus in settings["consensus"]:
        counts = kernels.consensus_sweep(probabilities, labels, ensembles, consensus)
        columns = _columns(chosen, _percent(counts, labels), single, baseline)
        tables.append(_table(chosen, consensus, columns | diversity))
    return pl.concat(tables)


def _percent(counts: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    return 100 * counts.cpu().numpy() / len(labels)


def _columns(
    chosen: np.ndarray, accuracy: np.ndarray, single: np.ndarray, baseline: int | None
) -> dict[str, np.ndarray]:
    mean = chosen @ single / chosen.sum(1)
    best = np.where(chosen, single, -np.inf).max(1)
    columns = {
        "accuracy": accuracy,
        "mean_member_accuracy": mean,
        "best_member_accuracy": best,
        "improvement_over_mean": accuracy - mean,
        "improvement_over_best": accuracy - best,
    }
    if baseline is not None:
        columns["improvement_over_baseline"] = accuracy - single[baseline]
    error = 100 - mean
    ratio = np.divide(accuracy - mean, error, out=np.full(len(error), np.nan), where=error > 0)
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


def accuracies_table(predictions: Predictions, labels: torch.Tensor) -> pl.DataFrame:
    """Accuracy of every member in percent, with a 95 % Wilson interval over samples."""
    right = (predicted_classes(predictions.logits) == labels).sum(1).tolist()
    intervals = [binomtest(count, len(labels)).proportion_ci(method="wilson") for count in right]
    return pl.DataFrame(
        {
            "position": pl.Series(range(len(right)), dtype=pl.UInt16),
            "member": predictions.members,
            "dataset": [predictions.dataset] * len(right),
            "samples": [len(labels)] * len(right),
            "accuracy": [100 * count / len(labels) for count in right],
            "low": [100 * interval.low for interval in intervals],
            "high": [100 * interval.high for interval in intervals],
        }
    )
