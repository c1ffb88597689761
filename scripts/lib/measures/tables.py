"""Conversion between a matrix over all pairs of members and a table."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_table


def pairwise_table(matrix: torch.Tensor, members: Sequence[str], samples: int) -> pl.DataFrame:
    """A symmetric matrix [M, M] in long form: both triangles and the diagonal, row by row."""
    count = len(members)
    return pl.DataFrame(
        {
            "member_a": np.repeat(members, count),
            "member_b": np.tile(members, count),
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
    rows = [list(members).index(name) for name in compared]
    matrix[np.ix_(rows, rows)] = _complete_matrix(path, compared)
    return matrix


def _complete_matrix(path: str, members: Sequence[str]) -> np.ndarray:
    rows = load_table(path).select("member_a", "member_b", "value").rows()
    values = {(first, second): value for first, second, value in rows}
    pairs = [(first, second) for first in members for second in members]
    if len(rows) != len(pairs) or not values.keys() >= set(pairs):
        raise StudyError(
            f"{path} has {len(rows)} rows, not one for each of the {len(pairs)} pairs of members of the study. "
            "Delete it and run again."
        )
    return np.array([values[pair] for pair in pairs], dtype=np.float64).reshape(len(members), len(members))
