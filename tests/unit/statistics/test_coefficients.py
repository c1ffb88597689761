"""Single coefficients of correlation against scipy and against regressions."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.statistics.coefficients import false_discovery, partial_pearson, pearson, ranks, spearman

Statistic = Callable[[np.ndarray, np.ndarray], float]


def constant(values: np.ndarray) -> bool:
    return bool(np.ptp(values) == 0)


whole_numbers = st.lists(st.tuples(*[st.integers(-50, 50)] * 4), min_size=3, max_size=30)


@given(whole_numbers)
@settings(max_examples=100, deadline=None)
def test_correlations_equal_scipy_or_are_undefined_for_constant_input(rows: list[tuple[int, ...]]) -> None:
    values = np.array(rows, dtype=float).T
    x, y = values[:2], values[2:]
    references: list[tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], Statistic]] = [
        (pearson, lambda a, b: scipy.stats.pearsonr(a, b).statistic),
        (spearman, lambda a, b: scipy.stats.spearmanr(a, b).statistic),
    ]
    for function, reference in references:
        expected = [[np.nan if constant(a) or constant(b) else reference(a, b) for b in y] for a in x]
        np.testing.assert_allclose(function(x, y), expected, atol=1e-9)


@pytest.mark.parametrize("statistic", [pearson, spearman])
def test_values_that_differ_by_rounding_only_have_no_correlation(statistic: Callable[..., np.ndarray]) -> None:
    """As 1 - similarity of equal members, or a mean over pairs of a constant 0.1."""
    y = np.arange(7.0)[None]
    for x in (np.full(7, 0.1), np.arange(7) * 1e-16, 80 + np.arange(7) * 1e-14):
        assert np.isnan(statistic(x[None], y)).all()
        assert np.isnan(statistic(y, x[None])).all()


def test_ranks_tie_what_differs_by_rounding_only() -> None:
    x, y = np.array([0.1 + 0.2, 0.3, 0.5, 0.9]), np.array([1.0, 2, 3, 4])
    expected = scipy.stats.spearmanr([0.3, 0.3, 0.5, 0.9], y).statistic
    assert spearman(x[None], y[None]).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("statistic", [pearson, spearman])
def test_a_missing_value_leaves_the_other_rows_alone(statistic: Callable[..., np.ndarray]) -> None:
    x = np.array([[1, np.nan, 2, 3], [1, 2, 4, 3]])
    result = statistic(x, np.array([[1.0, 2, 3, 4]]))
    assert np.isnan(result[0, 0])
    assert result[1, 0] == pytest.approx(0.8)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_points_have_no_correlation(count: int) -> None:
    x = np.arange(count, dtype=float)[None]
    assert np.isnan(pearson(x, x)).all()
    assert np.isnan(partial_pearson(x, x, x[0])).all()


def residual(values: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    design = np.stack([np.ones(len(fixed)), fixed], axis=1)
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


@pytest.mark.parametrize("count", [4, 5, 40])
def test_partial_correlation_is_that_of_the_residuals_of_two_regressions(count: int) -> None:
    random = np.random.default_rng(count)
    fixed = random.normal(size=count)
    x, y = fixed + random.normal(size=(3, count)), 2 * fixed + random.normal(size=(2, count))
    expected = [[np.corrcoef(residual(a, fixed), residual(b, fixed))[0, 1] for b in y] for a in x]
    np.testing.assert_allclose(partial_pearson(x, y, fixed), expected, atol=1e-9)


def test_three_ensembles_have_no_partial_correlation_because_it_would_always_be_perfect() -> None:
    fixed, x, y = np.random.default_rng(0).normal(size=(3, 3))
    assert abs(np.corrcoef(residual(x, fixed), residual(y, fixed))[0, 1]) == pytest.approx(1)
    assert np.isnan(partial_pearson(x[None], y[None], fixed)).all()


def test_nothing_is_left_of_a_multiple_of_what_is_held_fixed_nor_beside_a_constant() -> None:
    fixed, x, y = np.random.default_rng(4).normal(size=(3, 20))
    assert np.isnan(partial_pearson(3 * fixed[None] - 1, y[None], fixed)).all()
    assert np.isnan(partial_pearson(x[None], 2 - fixed[None], fixed)).all()
    assert np.isnan(partial_pearson(x[None], y[None], np.full(20, 0.1))).all()


values = st.sampled_from([-0.0, 0.0, 0.1 + 0.2, 0.3, 1.0, -2.5, np.inf, np.nan])


@given(st.lists(st.tuples(values, values), max_size=12))
def test_ranks_are_those_of_scipy(pairs: list[tuple[float, float]]) -> None:
    rows = np.array(pairs).reshape(-1, 2).T
    expected = [scipy.stats.rankdata(np.round(row, 9)) for row in rows]
    np.testing.assert_array_equal(ranks(rows), expected)


@given(st.lists(st.sampled_from([0.0, 1e-300, 0.01, 0.02, 0.04, 0.5, 1.0]), max_size=12), st.integers(0, 3))
def test_q_values_are_those_of_scipy_of_the_tests_that_have_a_p(p_values: list[float], missing: int) -> None:
    q_values = false_discovery(np.array([np.nan] * missing + p_values))
    assert np.isnan(q_values[:missing]).all()
    if p_values:
        np.testing.assert_array_equal(q_values[missing:], scipy.stats.false_discovery_control(p_values))
