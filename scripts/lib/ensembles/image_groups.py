"""What members and ensembles classify correctly in each group of images, from which intervals over images follow.

Only some ensembles are counted in groups, as many as for a sample of ensembles: how much an effect varies with the
images hardly depends on how many ensembles it is computed from, because they share members.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.counts import nll_of, samples_right
from scripts.lib.ensembles.scores import true_probabilities
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive
from scripts.lib.jobs.shards import groups_of_images, rows_of_group
from scripts.lib.jobs.storage import load_table

ENSEMBLES_OF_A_SIZE = 200


@dataclass(frozen=True)
class GroupCounts:
    """Sums over the samples of each of G groups of the even (index 0) and of the odd samples (index 1).

    `samples` int64 [2, G]. `right` int64 [2, G, R] for each consensus, the numbers of correct answers, and `nll`
    float64 [2, G, R], negative log-likelihoods of the mean probabilities, are of R sets of members: each member alone,
    and then some ensembles. `confidence` float64 [2, G, R], sums of the largest probability, is NaN for the ensembles.
    """

    samples: np.ndarray
    right: dict[str, np.ndarray]
    nll: np.ndarray
    confidence: np.ndarray

    def __add__(self, other: "GroupCounts") -> "GroupCounts":
        right = {consensus: counts + other.right[consensus] for consensus, counts in self.right.items()}
        sums = self.nll + other.nll, self.confidence + other.confidence
        return GroupCounts(self.samples + other.samples, right, *sums)

    @staticmethod
    def zeros(groups: int, rows: int, consensus: Sequence[str]) -> "GroupCounts":
        """The sums over no samples."""
        counts = np.zeros((2, groups, rows), np.int64)
        sums = np.zeros(counts.shape), np.zeros(counts.shape)
        return GroupCounts(np.zeros((2, groups), np.int64), dict.fromkeys(consensus, counts), *sums)


def counted_in_groups(chosen: np.ndarray, seed: int) -> np.ndarray:
    """Which of the ensembles `chosen` bool [E, M] are counted in groups: their rows, int64 [E'], by size.

    At most 200 of each size, drawn at random, without ensembles of one member; none for a study of very many members.
    """
    size = chosen.sum(1)
    if not groups_of_images(chosen.shape[1]):
        return np.zeros(0, np.int64)
    drawn = [_drawn(np.flatnonzero(size == each), derive(seed, "image groups", int(each))) for each in np.unique(size)]
    return np.concatenate([np.zeros(0, np.int64), *(rows for rows in drawn if len(rows) and size[rows[0]] > 1)])


def _drawn(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= ENSEMBLES_OF_A_SIZE:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, ENSEMBLES_OF_A_SIZE, replace=False))


def counts_of_block(
    values: torch.Tensor, labels: torch.Tensor, start: int, chosen: np.ndarray, consensus: Sequence[str]
) -> GroupCounts:
    """Count in a block of samples that starts at the even sample `start`, for each member and the ensembles `chosen`.

    `values` are probabilities float64 [M, n, C], `labels` int64 [n] and `chosen` bool [E', M].
    """
    members = len(values)
    listed = np.concatenate([np.eye(members, dtype=bool), chosen])
    counts = GroupCounts.zeros(groups_of_images(members), len(listed), consensus)
    right = {way: numbers.copy() for way, numbers in counts.right.items()}
    counts.confidence[..., members:] = np.nan
    for half, group in np.ndindex(*counts.samples.shape):
        rows = rows_of_group(start, half, group)
        part, answers = values[:, rows], labels[rows]
        counts.samples[half, group] = len(answers)
        if len(answers):
            for way in consensus:
                right[way][half, group] = samples_right(part, answers, listed, way)
            counts.nll[half, group] = nll_of(true_probabilities(part, answers), listed)[0]
            counts.confidence[half, group, :members] = part.amax(2).sum(1).cpu().numpy()
    return replace(counts, right=right)


def groups_table(counts: GroupCounts) -> pl.DataFrame:
    """One row per half, group and set of members, in this order; without rows if there are no groups."""
    _, groups, rows = counts.nll.shape
    columns = {f"right_{consensus}": numbers.ravel() for consensus, numbers in counts.right.items()}
    return pl.DataFrame(
        {
            "half": np.repeat([0, 1], groups * rows).astype(np.uint8),
            "group": np.tile(np.repeat(np.arange(groups), rows), 2).astype(np.uint8),
            "row": np.tile(np.arange(rows), 2 * groups).astype(np.uint32),
            "samples": np.repeat(counts.samples.ravel(), rows),
            **columns,
            "nll": counts.nll.ravel(),
            "confidence": counts.confidence.ravel(),
        }
    )


def load_groups(paths: Sequence[str], members: int, ensembles: int) -> GroupCounts:
    """The sums, over all shards, of what `groups_table` made for so many members and ensembles.

    Raises StudyError for a table that is damaged or has another number of rows.
    """
    return reduce(GroupCounts.__add__, (_load(path, groups_of_images(members), members + ensembles) for path in paths))


def _load(path: str, groups: int, rows: int) -> GroupCounts:
    table = load_table(path)
    if len(table) != 2 * groups * rows:
        raise StudyError(
            f"{path} has {len(table)} rows, not one for each of {rows} sets of members and {groups} groups of each "
            "half of the images. Delete it and run again."
        )
    values = {name: table[name].to_numpy().reshape(2, groups, rows) for name in table.columns}
    right = {name.removeprefix("right_"): numbers for name, numbers in values.items() if name.startswith("right_")}
    samples = values["samples"][..., 0] if groups else np.zeros((2, 0), np.int64)
    return GroupCounts(samples, right, values["nll"], values["confidence"])
