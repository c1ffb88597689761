"""P-values from permutations of the members, against permuting them one by one."""

from itertools import permutations

import numpy as np
import pytest
import scipy.stats

from scripts.lib.ensembles.subsets import mean_pairwise
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import pearson, standardised
from scripts.lib.statistics.permutations import permutation_p_values, permuted_pearson, random_orders
from tests.unit.conftest import subsets


def random_matrix(seed: int, members: int = 5) -> np.ndarray:
    values = np.random.default_rng(seed).random((members, members))
    return (values + values.T) / 2


def means(source: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of the pairs of each ensemble, or of its members."""
    return mean_pairwise(chosen, source) if source.ndim == 2 else np.array([source[row].mean() for row in chosen])


def permuted_correlations(sources: np.ndarray, y: np.ndarray, chosen: np.ndarray, orders: np.ndarray) -> np.ndarray:
    return permuted_pearson(sources, {"all": standardised(y)}, Ensembles(chosen), orders)["all"]


def permuted(source: np.ndarray, order: np.ndarray) -> np.ndarray:
    return source[order][:, order] if source.ndim == 2 else source[order]


@pytest.mark.parametrize("kind", ["matrix", "numbers"])
@pytest.mark.parametrize("chosen", [subsets(6, "all"), subsets(6, [2]), subsets(6, [3, 5]), subsets(6, "all")[4:30:3]])
def test_permuted_correlations_equal_those_of_permuted_members(kind: str, chosen: np.ndarray) -> None:
    members = 6
    orders = random_orders(members, 20, seed=1)
    random = np.random.default_rng(8)
    sources = np.stack([random_matrix(s, members) if kind == "matrix" else random.random(members) for s in range(2)])
    y = random.normal(size=(3, len(chosen)))
    expected = [
        [[scipy.stats.pearsonr(means(permuted(source, order), chosen), b).statistic for b in y] for order in orders]
        for source in sources
    ]
    np.testing.assert_allclose(permuted_correlations(sources, y, chosen, orders), expected, atol=1e-10)


@pytest.mark.parametrize("sizes", ["all", [2], [1, 3, 5]])
def test_with_many_members_the_pairs_of_each_ensemble_are_looked_up(
    monkeypatch: pytest.MonkeyPatch, sizes: str | list[int]
) -> None:
    chosen, orders = subsets(6, sizes), random_orders(6, 20, seed=1)
    chosen = chosen[chosen.sum(1) > 1]
    sources = np.stack([random_matrix(seed, 6) for seed in range(2)])
    y = np.random.default_rng(8).normal(size=(3, len(chosen)))
    by_moments = permuted_correlations(sources, y, chosen, orders)
    monkeypatch.setattr("scripts.lib.statistics.permutations.MOST_MOMENTS", 1)
    np.testing.assert_allclose(permuted_correlations(sources, y, chosen, orders), by_moments, atol=1e-10)


def test_blocks_of_ensembles_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, orders = subsets(6, "all")[1:], random_orders(6, 10, seed=1)  # of all ensembles, only outcomes are added up
    y = np.random.default_rng(9).normal(size=(1, len(chosen)))
    whole = permuted_correlations(random_matrix(9, 6)[None], y, chosen, orders)
    monkeypatch.setattr("scripts.lib.statistics.by_size.BLOCK_ENSEMBLES", 7)
    np.testing.assert_allclose(permuted_correlations(random_matrix(9, 6)[None], y, chosen, orders), whole, atol=1e-12)


def test_permutations_without_a_correlation_count_as_extreme() -> None:
    observed = np.array([[0.5, np.nan, -0.5]])
    permuted = np.array([[[0.4, 0, 0.4], [-0.5, 0, 0.6], [np.nan, 0, 0.1], [0.1, 0, -0.1]]])
    np.testing.assert_array_equal(permutation_p_values(observed, permuted), [[3 / 5, np.nan, 2 / 5]])


def p_value(matrix: np.ndarray, y: np.ndarray, chosen: np.ndarray, orders: np.ndarray) -> float:
    observed = pearson(mean_pairwise(chosen, matrix)[None], y[None])
    return float(permutation_p_values(observed, permuted_correlations(matrix[None], y[None], chosen, orders)).item())


def test_many_permutations_approach_all_relabellings() -> None:
    chosen, matrix = subsets(4, "all"), random_matrix(6, 4)
    y = np.random.default_rng(7).normal(size=len(chosen))
    observed = abs(scipy.stats.pearsonr(mean_pairwise(chosen, matrix), y).statistic)
    relabelled = [
        abs(scipy.stats.pearsonr(mean_pairwise(chosen, permuted(matrix, np.array(order))), y).statistic)
        for order in permutations(range(4))
    ]
    exact = np.mean(np.array(relabelled) >= observed - 1e-12)
    assert 0.1 < exact < 0.9
    assert p_value(matrix, y, chosen, random_orders(4, 20_000, seed=1)) == pytest.approx(exact, abs=0.02)


def test_a_diversity_that_makes_the_improvement_is_found_and_noise_is_not() -> None:
    chosen, matrix, orders = subsets(8, "all"), random_matrix(8, 8), random_orders(8, 199, seed=0)
    noise = np.random.default_rng(9).normal(scale=1e-3, size=len(chosen))
    made = mean_pairwise(chosen, matrix) + noise
    assert p_value(matrix, made, chosen, orders) == 1 / 200
    unrelated = [p_value(random_matrix(seed, 8), made, chosen, orders) for seed in range(100, 200)]
    # Uniform, however alike the ensembles are: an ordinary test would call nearly all of these significant.
    assert scipy.stats.kstest(unrelated, "uniform").pvalue > 0.01


def test_orders_are_permutations_that_depend_on_the_seed() -> None:
    orders = random_orders(6, 50, seed=3)
    assert orders.shape == (50, 6)
    np.testing.assert_array_equal(np.sort(orders), np.tile(np.arange(6), (50, 1)))
    np.testing.assert_array_equal(orders, random_orders(6, 50, seed=3))
    assert not np.array_equal(orders, random_orders(6, 50, seed=4))
