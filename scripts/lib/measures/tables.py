"""Matrices over all pairs of members, from tables of pairs. Without torch, because statistics do not need it."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_table


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
