"""What members and ensembles classify correctly in each group of images, from which intervals over images follow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive
from scripts.lib.jobs.shards import groups_of_images
from scripts.lib.jobs.storage import load_table

if TYPE_CHECKING:
    from scripts.lib.ensembles.counts import Tally  # needs torch, which statistics do not

# Of more ensembles, so many are drawn.
MOST_IN_GROUPS, DRAWN = 1 << 15, 1 << 13
NLL, CONFIDENCE = "nll", "confidence"


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


@dataclass(frozen=True)
class KeptInGroups:
    """Which ensembles are kept for each group of images: their `rows` int64 [E'] in the list of all ensembles.

    `of_members` has, for each set of members that a measure compares, by their positions, the places int64 in `rows` of
    those from which intervals for this measure are made.
    """

    rows: np.ndarray
    of_members: dict[tuple[int, ...], np.ndarray]


def kept_in_groups(chosen: np.ndarray, compared: Iterable[Sequence[int]], seed: int) -> KeptInGroups:
    """Of the ensembles `chosen` bool [E, M]; `compared` are the positions of the members that each measure compares.

    For each set of compared members, all ensembles of several of them, or 8192, drawn at random, if these are more than
    32 768. All are equally likely, so sizes keep their weights. None for a study of very many members.
    """
    members = chosen.shape[1]
    sets = dict.fromkeys([tuple(range(members)), *map(tuple, compared)]) if groups_of_images(members) else {}
    drawn = {each: _drawn(chosen, each, seed) for each in sets}
    rows = np.unique(np.concatenate([np.zeros(0, np.int64), *drawn.values()]))
    return KeptInGroups(rows, {each: np.searchsorted(rows, own) for each, own in drawn.items()})


def _drawn(chosen: np.ndarray, members: tuple[int, ...], seed: int) -> np.ndarray:
    others = np.delete(np.arange(chosen.shape[1]), members)
    rows = np.flatnonzero((chosen.sum(1) > 1) & ~chosen[:, others].any(1))
    if len(rows) <= MOST_IN_GROUPS:
        return rows
    generator = np.random.default_rng(derive(seed, "image groups", *members))
    return np.sort(generator.choice(rows, DRAWN, replace=False))


@dataclass(frozen=True)
class Kept:
    """What is kept of the tally of one group: as in `GroupCounts`, of so many `samples`, with arrays [R]."""

    samples: int
    right: dict[str, np.ndarray]
    nll: np.ndarray
    confidence: np.ndarray


def kept_of(tally: "Tally", rows: np.ndarray) -> Kept:
    """Of each member, and of the ensembles `rows` int64 [E']."""
    alone, of_members = tally.joint.diagonal(), tally.of_members
    return Kept(
        tally.samples,
        {way: np.concatenate([alone, counts[rows]]) for way, counts in tally.right.items()},
        np.concatenate([of_members.nll, tally.nll[rows]]),
        np.concatenate([of_members.confidence(alone), np.full(len(rows), np.nan)]),
    )


def groups_of(kept: Sequence[Sequence[Kept]]) -> GroupCounts:
    """From what is kept of the groups of each half."""
    return GroupCounts(
        np.array([[each.samples for each in of_half] for of_half in kept]),
        {way: np.array([[each.right[way] for each in of_half] for of_half in kept]) for way in kept[0][0].right},
        np.array([[each.nll for each in of_half] for of_half in kept]),
        np.array([[each.confidence for each in of_half] for of_half in kept]),
    )


def groups_table(counts: GroupCounts) -> pl.DataFrame:
    """One row per half, group and set of members, in this order; without rows if there are no groups."""
    _, groups, rows = counts.nll.shape
    columns = {f"right_{consensus}": numbers.ravel().astype(np.uint32) for consensus, numbers in counts.right.items()}
    return pl.DataFrame(
        {
            "half": np.repeat([0, 1], groups * rows).astype(np.uint8),
            "group": np.tile(np.repeat(np.arange(groups), rows), 2).astype(np.uint8),
            "row": np.tile(np.arange(rows), 2 * groups).astype(np.uint32),
            "samples": np.repeat(counts.samples.ravel(), rows),
            **columns,
            NLL: counts.nll.ravel(),
            CONFIDENCE: counts.confidence.ravel(),
        }
    )


def compact(table: pl.DataFrame) -> pl.DataFrame:
    """A `groups_table` with float32 in place of float64, because some digits are enough for intervals."""
    return table.with_columns(pl.selectors.float().cast(pl.Float32))


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
    counted = [name for name in values if name.startswith("right_")]
    right = {name.removeprefix("right_"): values[name].astype(np.int64) for name in counted}
    samples = values["samples"][..., 0] if groups else np.zeros((2, 0), np.int64)
    return GroupCounts(samples, right, *(values[name].astype(np.float64) for name in (NLL, CONFIDENCE)))
