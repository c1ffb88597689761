"""Pairs of members sample by sample: on how many samples which of them is right, and samples on which just one is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

MOST_MEMBERS = 64  # for agreement by class, and for the choice of samples
MOST_SAMPLES = 24
TIMES = 2  # how often each member of a pair should be the one that is right


def pairs_table(members: Sequence[str], predicted: np.ndarray, labels: np.ndarray, classes: int) -> pl.DataFrame:
    """One row for each pair of members, the earlier one first, in their order.

    `predicted` int [M, N] are the members' classes and `labels` int [N] the true ones, both from 0 to `classes` - 1.
    Columns: member_a, member_b, both_right, only_a, only_b, neither (samples), same (samples on which both predict the
    same class) and same_by_class (the same for the samples of each class; null for more than 64 members).
    """
    first, second = np.triu_indices(len(members), 1)
    right = predicted == labels
    alone = right.sum(1)
    # Sums of up to 2^53 ones are exact in float64.
    both = np.rint(right.astype(np.float64) @ right.T.astype(np.float64)).astype(np.int64)[first, second]
    only_a, only_b = alone[first] - both, alone[second] - both
    same = _same_by_class(predicted, labels, classes)
    columns = {"both_right": both, "only_a": only_a, "only_b": only_b, "neither": len(labels) - both - only_a - only_b}
    return pl.DataFrame(
        {
            "member_a": [members[position] for position in first],
            "member_b": [members[position] for position in second],
            **{name: pl.Series(values, dtype=pl.UInt32) for name, values in columns.items()},
            "same": pl.Series(_same(predicted), dtype=pl.UInt32),
            "same_by_class": pl.Series(same, dtype=pl.List(pl.UInt32)),
        },
        schema_overrides={"member_a": pl.String, "member_b": pl.String},
    )


def _same(predicted: np.ndarray) -> np.ndarray:
    rows = [(predicted[a] == predicted[a + 1 :]).sum(1) for a in range(len(predicted))]
    return np.concatenate([*rows, np.zeros(0, dtype=np.int64)])


def _same_by_class(predicted: np.ndarray, labels: np.ndarray, classes: int) -> list[list[int] | None]:
    members = len(predicted)
    if members > MOST_MEMBERS:
        return [None] * (members * (members - 1) // 2)
    found: list[list[int] | None] = []
    for a in range(members):
        for b in range(a + 1, members):
            agreed = predicted[a] == predicted[b]
            found.append(np.bincount(labels[agreed], minlength=classes).tolist())
    return found


def telling_samples(right: np.ndarray, most: int = MOST_SAMPLES) -> list[int]:
    """Samples on which members differ in being right, at most `most`, the most telling first.

    `right` bool [M, n]. Each is the sample that adds most to the ordered pairs of members (the first is right, the
    second wrong) that have fewer than two samples so far; of several, the first one. Empty for more than 64 members.
    """
    members, samples = right.shape
    if members > MOST_MEMBERS:
        return []
    ones = right.T.astype(np.float64)
    wanting, free = np.full((members, members), TIMES), np.ones(samples, dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(most, samples):
        gains = np.where(free, ((ones @ (wanting > 0)) * (1 - ones)).sum(1), 0)
        best = int(gains.argmax())
        if gains[best] == 0:
            break
        chosen.append(best)
        free[best] = False
        wanting -= np.outer(right[:, best], ~right[:, best])
    return chosen


def described_samples(
    chosen: Sequence[int], ids: Sequence[str], labels: np.ndarray, predicted: np.ndarray
) -> list[dict[str, Any]]:
    """The chosen samples, as JSON: row in the validation set, id, label, and the class that each member predicts."""
    return [
        {
            "row": int(row),
            "id": ids[row],
            "label": int(labels[row]),
            "predicted": predicted[:, row].tolist(),
        }
        for row in chosen
    ]
