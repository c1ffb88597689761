"""Conversion between a matrix over all pairs of members and a table."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_table


def pairwise_table(matrix: torch.Tensor, members: Sequence[str], samples: int) -> pl.DataFrame:
    """A symmetric matrix [M, M] in long form: both triangles and the diagonal, row by row."""
    count, names = len(members), pl.Series(members, dtype=pl.String)
    return pl.DataFrame(
        {
            "member_a": names.gather(np.repeat(np.arange(count), count)),
            "member_b": names.gather(np.tile(np.arange(count), count)),
            "value": matrix.cpu().numpy().ravel(),
            "samples": np.full(count * count, samples),
        }
    ).with_columns(pl.col("value").fill_nan(None))


def load_sums(paths: Sequence[str], members: Sequence[str]) -> tuple[torch.Tensor, int]:
    """Sums float64 [M, M] and the number of samples, over all shards together."""
    sums = sum(load_pairwise(path, members) for path in paths)
    return torch.as_tensor(sums), sum(load_table(path)["samples"][0] for path in paths)


def load_pairwise(path: str, members: Sequence[str], compared: Sequence[str] | None = None) -> np.ndarray:
    """The matrix float64 [M, M] of a pairwise table, in the order of `members`; NaN where a pair has no value.

    `compared` are the members that the measure compares (default: all); pairs with others have no value. Raises
    StudyError if the table does not have every pair of the compared members exactly once.
    """
    compared = members if compared is None else compared
    matrix = np.full((len(members), len(members)), np.nan)
    position = {name: number for number, name in enumerate(members)}
    rows = [position[name] for name in compared]
    matrix[np.ix_(rows, rows)] = _complete_matrix(path, compared)
    return matrix


def _complete_matrix(path: str, members: Sequence[str]) -> np.ndarray:
    table, count = load_table(path, ["member_a", "member_b", "value"]), len(members)
    first, second = (_positions(table[name], members) for name in ("member_a", "member_b"))
    cells = (first * count + second)[(first >= 0) & (second >= 0)]
    if len(table) != count**2 or (np.bincount(cells, minlength=count**2) != 1).any():
        raise StudyError(
            f"{path} has {len(table)} rows, not one for each of the {count**2} pairs of members of the study. "
            "Delete it and run again."
        )
    matrix = np.empty(count**2)
    matrix[cells] = table["value"].cast(pl.Float64).to_numpy()
    return matrix.reshape(count, count)


def _positions(names: pl.Series, members: Sequence[str]) -> np.ndarray:
    """The position of each name among the members, int64; -1 for one that is not among them."""
    return names.replace_strict(members, range(len(members)), default=-1, return_dtype=pl.Int64).to_numpy()
