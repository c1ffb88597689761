"""Which ensembles are evaluated, and means over their pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.ensembles.sizes import is_exhaustive
from scripts.lib.ensembles.subsets import mean_pairwise
from tests.unit.conftest import subsets


def test_all_subsets_come_by_size_and_then_in_lexicographic_order() -> None:
    expected = [combination for size in (2, 3, 4) for combination in combinations(range(4), size)]
    assert [tuple(np.flatnonzero(row)) for row in subsets(4, "all")] == expected


@pytest.mark.parametrize("members", [1, 2, 5, 9])
def test_all_of_each_size_are_those_of_itertools(members: int) -> None:
    for size in range(1, members + 2):  # there is none with more members than there are
        expected = list(combinations(range(members), size))
        assert [tuple(np.flatnonzero(row)) for row in subsets(members, [size])] == expected


def test_many_ensembles_of_few_members_are_all_of_their_size() -> None:
    pairs = subsets(1000, [2])
    assert pairs.shape == (499_500, 1000)
    assert [np.flatnonzero(pairs[row]).tolist() for row in (0, 998, 999, -1)] == [[0, 1], [0, 999], [1, 2], [998, 999]]


def test_sizes_may_be_chosen() -> None:
    assert sorted(set(subsets(5, [1, 4]).sum(1))) == [1, 4]
    assert len(subsets(5, [1, 4])) == 5 + 5


def test_all_ensembles_are_evaluated_where_they_are_few_enough() -> None:
    assert is_exhaustive(20, "all")
    assert not is_exhaustive(21, "all")
    assert is_exhaustive(1000, [2])
    assert not is_exhaustive(40, [2, 8])
    chosen = subsets(40, [2])
    assert chosen.shape == (780, 40)
    assert set(chosen.sum(1)) == {2}


def test_with_more_members_different_ensembles_of_each_size_are_drawn() -> None:
    chosen = subsets(30, "all", per_size=50, seed=3)
    sizes, counts = np.unique(chosen.sum(1), return_counts=True)
    assert sizes.tolist() == list(range(2, 21))
    assert set(counts) == {50}
    assert len(np.unique(chosen, axis=0)) == len(chosen)
    members = chosen.sum(0)  # every member is drawn about equally often
    assert members.min() > 0.6 * members.mean()
    np.testing.assert_array_equal(chosen, subsets(30, "all", per_size=50, seed=3))
    assert not np.array_equal(chosen, subsets(30, "all", per_size=50, seed=4))


def test_a_size_that_has_few_ensembles_is_taken_whole() -> None:
    chosen = subsets(40, [1, 2, 8], per_size=100, seed=0)
    assert np.bincount(chosen.sum(1)).tolist() == [0, 40, 100, 0, 0, 0, 0, 0, 100]
    np.testing.assert_array_equal(chosen[:40], np.eye(40, dtype=bool))


def test_a_pair_without_a_value_leaves_the_other_ensembles_alone() -> None:
    matrix = np.array([[1, np.nan, 0.5], [np.nan, 1, 0.2], [0.5, 0.2, 1]])
    values = mean_pairwise(subsets(3, "all"), matrix)
    np.testing.assert_allclose(values, [np.nan, 0.5, 0.2, np.nan])


@given(st.integers(1, 6), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_mean_pairwise_equals_a_loop_over_pairs(members: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(members, members))
    matrix = values + values.T
    chosen = subsets(members, range(1, members + 1))
    for row, mean in zip(chosen, mean_pairwise(chosen, matrix), strict=True):
        pairs = [matrix[a, b] for a, b in combinations(np.flatnonzero(row), 2)]
        np.testing.assert_allclose(mean, np.mean(pairs) if pairs else np.nan, atol=1e-12)
