"""A measure's sums over samples, which shards add, and the tables of them and of the values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.shards import HALVES, groups_of_images
from scripts.lib.jobs.storage import load_table
from scripts.lib.measures.tables import load_matrices


@dataclass(frozen=True)
class PairwiseSums:
    """A measure's sums float64 over some samples.

    `whole` [M, M] is over all of them, `halves` [2, M, M] over the even and over the odd ones, and `without`
    [2, G, M, M] over each half without one of its G groups of samples (`jobs.shards`).
    """

    samples: int
    whole: torch.Tensor
    halves: torch.Tensor
    without: torch.Tensor

    def __add__(self, other: "PairwiseSums") -> "PairwiseSums":
        return PairwiseSums(
            self.samples + other.samples,
            self.whole + other.whole,
            self.halves + other.halves,
            self.without + other.without,
        )

    @staticmethod
    def zeros(members: int, device: torch.device) -> "PairwiseSums":
        """The sums over no samples."""
        nothing = torch.zeros(members, members, dtype=torch.float64, device=device)
        return PairwiseSums(0, nothing, nothing.expand(2, -1, -1), nothing.expand(2, groups_of_images(members), -1, -1))


def pairwise_table(columns: Mapping[str, torch.Tensor], members: Sequence[str], samples: int) -> pl.DataFrame:
    """Symmetric matrices [M, M] in long form, one column each: both triangles and the diagonal, row by row."""
    count, names = len(members), pl.Series(members, dtype=pl.String)
    return pl.DataFrame(
        {
            "member_a": names.gather(np.repeat(np.arange(count), count)),
            "member_b": names.gather(np.tile(np.arange(count), count)),
            **{name: matrix.cpu().numpy().ravel() for name, matrix in columns.items()},
            "samples": np.full(count * count, samples),
        }
    ).with_columns(pl.col(*columns).fill_nan(None))


def sums_table(sums: PairwiseSums, members: Sequence[str]) -> pl.DataFrame:
    """The sums of one shard, as a table that `load_sums` reads."""
    matrices = [sums.whole, *sums.halves, *sums.without.flatten(0, 1)]
    return pairwise_table(dict(zip(_columns(members), matrices, strict=True)), members, sums.samples)


def _columns(members: Sequence[str]) -> list[str]:
    """The columns of a shard's table: over all samples, over each half, and over each half without each group."""
    without = [f"{half}_without_{group}" for half in HALVES for group in range(groups_of_images(len(members)))]
    return ["whole", *HALVES, *without]


def load_sums(paths: Sequence[str], members: Sequence[str]) -> PairwiseSums:
    """The sums of all shards together. Raises StudyError for a table without every pair of members."""
    return reduce(PairwiseSums.__add__, (_load_shard(path, members) for path in paths))


def _load_shard(path: str, members: Sequence[str]) -> PairwiseSums:
    sums = torch.from_numpy(load_matrices(path, members, members, _columns(members)))
    without = sums[3:].reshape(2, -1, *sums.shape[1:])
    return PairwiseSums(load_table(path, ["samples"])["samples"][0], sums[0], sums[1:3], without)
