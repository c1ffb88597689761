"""Shapley values and leave-one-out against their definitions."""

from itertools import permutations
from math import factorial

import numpy as np
import pytest

from scripts.lib.ensembles.contributions import all_subsets, contributions, shapley_values
from scripts.lib.ensembles.patterns import numbers_of


def value_of(members: set[int], values: np.ndarray) -> float:
    return float(values[sum(1 << member for member in members)])


@pytest.mark.parametrize("members", [1, 2, 5])
def test_shapley_values_are_the_mean_gain_over_all_orders(members: int) -> None:
    values = np.random.default_rng(members).random(1 << members)
    expected = np.zeros(members)
    for order in permutations(range(members)):
        for place, member in enumerate(order):
            before = set(order[:place])
            expected[member] += value_of(before | {member}, values) - value_of(before, values)
    found = shapley_values(values)
    np.testing.assert_allclose(found, expected / factorial(members), atol=1e-12)
    assert found.sum() == pytest.approx(values[-1] - values[0])


def test_equal_members_contribute_alike_and_a_member_that_changes_nothing_contributes_nothing() -> None:
    chosen = np.concatenate([np.zeros((1, 4), bool), all_subsets(4)])
    values = np.sqrt(chosen[:, 0] + chosen[:, 1]) + 2 * chosen[:, 2]  # the last member is not asked
    found = shapley_values(values)
    assert found[0] == pytest.approx(found[1])
    assert found[2:] == pytest.approx([2, 0])


def test_subsets_are_numbered_by_their_bits() -> None:
    chosen = all_subsets(3)
    assert chosen.shape == (7, 3)
    assert (chosen @ [1, 2, 4] == np.arange(1, 8)).all()
    for members in (1, 8, 9, 17):
        chosen = all_subsets(members)
        np.testing.assert_array_equal(numbers_of(chosen), np.arange(1, 1 << members))
        np.testing.assert_array_equal(numbers_of(chosen[::-3]), np.arange(1, 1 << members)[::-3])


def test_the_table_is_in_points_and_begins_at_chance() -> None:
    skill = np.array([30.0, 10, 0])

    def count(chosen: np.ndarray) -> np.ndarray:
        return 50 + chosen @ skill

    table = contributions(["a", "b", "c"], count, samples=200, classes=4)
    assert table["leave_one_out"].to_list() == [15, 5, 0]
    assert table["shapley"].to_list() == pytest.approx([15, 5, 0])  # 50 of 200 are chance, with four classes


def test_many_members_have_no_shapley_value() -> None:
    table = contributions([str(m) for m in range(30)], lambda chosen: chosen.sum(1) ** 2, samples=1000, classes=2)
    assert table["shapley"].null_count() == 30
    assert table["leave_one_out"].to_list() == pytest.approx([100 * (30**2 - 29**2) / 1000] * 30)
