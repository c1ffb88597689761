"""Tables of all pairs of members: from a matrix to a table and back."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.sums import pairwise_table
from scripts.lib.measures.tables import load_matrices, load_pairwise

MATRIX = torch.tensor([[0, 0.1, 0.2], [0.1, 0, 0.3], [0.2, 0.3, 0]], dtype=torch.float64)


def test_a_table_holds_both_triangles_and_turns_back_into_its_matrix_in_any_order(tmp_path: Path) -> None:
    table = pairwise_table({"value": MATRIX}, ["b", "a", "c"], samples=50)
    assert len(table) == 9
    assert set(table["samples"]) == {50}
    path = str(tmp_path / "pairwise.parquet")
    save_table(path, table.sample(fraction=1, shuffle=True, seed=0))
    np.testing.assert_array_equal(load_pairwise(path, ["b", "a", "c"]), MATRIX)
    np.testing.assert_array_equal(load_pairwise(path, ["c", "a", "b"]), MATRIX[[2, 1, 0]][:, [2, 1, 0]])


def test_a_pair_without_a_value_is_null_in_the_table_and_nan_in_the_matrix(tmp_path: Path) -> None:
    matrix, path = MATRIX.clone(), str(tmp_path / "pairwise.parquet")
    matrix[0, 2] = matrix[2, 0] = torch.nan
    table = pairwise_table({"value": matrix}, ["b", "a", "c"], samples=50)
    assert table["value"].null_count() == 2
    save_table(path, table)
    np.testing.assert_array_equal(load_pairwise(path, ["b", "a", "c"]), matrix)


@pytest.mark.parametrize("members", [["b", "a"], ["b", "a", "d"], ["b", "a", "c", "d"]])
def test_a_table_of_other_members_is_refused(tmp_path: Path, members: list[str]) -> None:
    path = str(tmp_path / "pairwise.parquet")
    save_table(path, pairwise_table({"value": MATRIX}, ["b", "a", "c"], samples=50))
    message = rf"pairwise\.parquet has 9 rows, not one for each of the {len(members) ** 2} pairs"
    with pytest.raises(StudyError, match=message):
        load_pairwise(path, members)


def test_a_table_with_a_repeated_pair_is_refused(tmp_path: Path) -> None:
    path, table = str(tmp_path / "pairwise.parquet"), pairwise_table({"value": MATRIX}, ["b", "a", "c"], samples=50)
    save_table(path, pl.concat([table[1:], table[1:2]]))
    with pytest.raises(StudyError, match="has 9 rows, not one for each of the 9 pairs"):
        load_pairwise(path, ["b", "a", "c"])


def test_columns_are_chosen_by_their_names(tmp_path: Path) -> None:
    path = str(tmp_path / "pairwise.parquet")
    save_table(path, pairwise_table({"value": MATRIX, "value_odd": 3 * MATRIX}, ["b", "a", "c"], samples=50))
    names = ["b", "a", "c"]
    found = load_matrices(path, names, names, ["value_odd", "value"])
    np.testing.assert_array_equal(found, torch.stack([3 * MATRIX, MATRIX]))
