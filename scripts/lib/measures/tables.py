"""Conversion between matrices over all pairs of members and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import HALVES, groups_of_images
from scripts.lib.jobs.storage import load_table


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


def positions_compared(members: Sequence[str], compared: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """The positions of the members that each measure compares, by its name."""
    position = {member: number for number, member in enumerate(members)}
    return {measure: [position[name] for name in names] for measure, names in compared.items()}


def load_pairwise(path: str, members: Sequence[str], compared: Sequence[str] | None = None) -> np.ndarray:
    """The matrix float64 [M, M] of a pairwise table over all samples: `load_matrices` of the column `value`.

    `compared` are the members that the measure compares (default: all).
    """
    return load_matrices(path, members, members if compared is None else compared, ["value"])[0]


def load_matrices(path: str, members: Sequence[str], compared: Sequence[str], columns: Sequence[str]) -> np.ndarray:
    """Some `columns` of a pairwise table as matrices float64 [columns, M, M], in the order of `members`.

    `compared` are the members that the measure compares. NaN for pairs with others, and where a pair has no value.
    Raises StudyError if the table does not have every pair of the compared members exactly once.
    """
    matrices = np.full((len(columns), len(members), len(members)), np.nan)
    position = {name: number for number, name in enumerate(members)}
    rows = np.array([position[name] for name in compared])
    matrices[:, rows[:, None], rows] = _complete_matrices(path, compared, columns)
    return matrices


def _complete_matrices(path: str, members: Sequence[str], columns: Sequence[str]) -> np.ndarray:
    table, count = load_table(path, ["member_a", "member_b", *columns]), len(members)
    first, second = (_positions(table[name], members) for name in ("member_a", "member_b"))
    cells = (first * count + second)[(first >= 0) & (second >= 0)]
    if len(table) != count**2 or (np.bincount(cells, minlength=count**2) != 1).any():
        raise StudyError(
            f"{path} has {len(table)} rows, not one for each of the {count**2} pairs of members of the study. "
            "Delete it and run again."
        )
    matrices = np.empty((len(columns), count**2))
    for matrix, name in zip(matrices, columns, strict=True):
        matrix[cells] = table[name].cast(pl.Float64).to_numpy()
    return matrices.reshape(-1, count, count)


def _positions(names: pl.Series, members: Sequence[str]) -> np.ndarray:
    """The position of each name among the members, int64; -1 for one that is not among them."""
    return names.replace_strict(members, range(len(members)), default=-1, return_dtype=pl.Int64).to_numpy()
