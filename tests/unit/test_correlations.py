"""Correlations, their intervals and their p-values, against plain and independent computations."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.correlations import (
    ACCURACY,
    Diversity,
    correlations_table,
    jackknife_interval,
    mantel_p_values,
    partial_pearson,
    pearson,
    spearman,
)
from scripts.lib.ensembles import ensembles_table, mean_pairwise, subsets

MEMBERS = 5


def random_matrix(seed: int, members: int = MEMBERS) -> np.ndarray:
    values = np.random.default_rng(seed).random((members, members))
    return (values + values.T) / 2


def study(seed: int = 0, members: int = MEMBERS, samples: int = 200) -> tuple[pl.DataFrame, np.ndarray]:
    """An ensembles' table of random members and the matrix of its one measure."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (samples,), generator=generator)
    logits = torch.randn(members, samples, 3, generator=generator)
    logits[:, torch.arange(samples), labels] += torch.linspace(0.3, 1.5, members)[:, None]
    matrix = random_matrix(seed, members)
    settings = {"sizes": "all", "consensus": ["average"]}
    return ensembles_table(logits.softmax(2), labels, settings, {"disagreement": matrix}, None), matrix


def whole_table(table: pl.DataFrame, matrix: np.ndarray, members: int = MEMBERS, seed: int = 0) -> pl.DataFrame:
    return correlations_table({"clean": (table, [Diversity("disagreement", matrix)])}, members, 99, seed)


pairs = st.lists(st.tuples(*[st.integers(-50, 50)] * 3), min_size=4, max_size=30)


@given(pairs)
@settings(max_examples=50, deadline=None)
def test_correlations_equal_scipy_or_are_undefined_for_constant_input(values: list[tuple[int, int, int]]) -> None:
    x, y, _ = np.array(values, dtype=float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(pearson(x, y))
        assert np.isnan(spearman(x, y))
    else:
        assert pearson(x, y) == pytest.approx(scipy.stats.pearsonr(x, y).statistic, abs=1e-9)
        assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-9)


def test_a_constant_that_is_not_exact_in_binary_has_no_correlation() -> None:
    assert np.isnan(pearson(np.full(7, 0.1), np.arange(7.0)))


def test_two_points_have_no_correlation() -> None:
    assert np.isnan(pearson(np.array([0.0, 1.0]), np.array([0.0, 1.0])))


def test_partial_correlation_is_that_of_the_residuals_of_two_regressions() -> None:
    random = np.random.default_rng(3)
    fixed = random.normal(size=40)
    x, y = fixed + random.normal(size=40), 2 * fixed + random.normal(size=40)
    design = np.stack([np.ones(40), fixed], axis=1)
    residuals = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (x, y)]
    assert partial_pearson(x, y, fixed) == pytest.approx(np.corrcoef(*residuals)[0, 1])


def test_a_measure_that_is_accuracy_itself_has_no_partial_correlation() -> None:
    random = np.random.default_rng(4)
    fixed, y = random.normal(size=20), random.normal(size=20)
    assert np.isnan(partial_pearson(3 * fixed - 1, y, fixed))


def test_the_jackknife_leaves_out_each_member_with_all_of_its_ensembles() -> None:
    chosen = subsets(MEMBERS, "all")
    random = np.random.default_rng(5)
    x, y = random.normal(size=len(chosen)), random.normal(size=len(chosen))
    left_out = []
    for member in range(MEMBERS):
        without = [row for row, members in enumerate(chosen) if not members[member]]
        left_out.append(np.arctanh(scipy.stats.pearsonr(x[without], y[without]).statistic))
    error = np.sqrt((MEMBERS - 1) / MEMBERS * sum((z - np.mean(left_out)) ** 2 for z in left_out))
    half = scipy.stats.t.ppf(0.975, MEMBERS - 1) * error
    whole = np.arctanh(scipy.stats.pearsonr(x, y).statistic)
    expected = (np.tanh(whole - half), np.tanh(whole + half))
    assert jackknife_interval(x, y, chosen) == pytest.approx(expected)


def test_the_mantel_test_with_many_permutations_approaches_all_relabellings() -> None:
    chosen, matrix = subsets(4, "all"), random_matrix(6, 4)
    outcomes = np.random.default_rng(7).normal(size=(1, len(chosen)))
    groups = np.ones((1, len(chosen)), dtype=bool)
    observed = abs(scipy.stats.pearsonr(mean_pairwise(chosen, matrix), outcomes[0]).statistic)
    relabelled = [
        abs(scipy.stats.pearsonr(mean_pairwise(chosen, matrix[np.ix_(order, order)]), outcomes[0]).statistic)
        for order in permutations(range(4))
    ]
    exact = np.mean(np.array(relabelled) >= observed - 1e-12)
    p_value = mantel_p_values(Diversity("d", matrix), chosen, outcomes, groups, 4000, seed=1)[0, 0]
    assert p_value == pytest.approx(exact, abs=0.03)


def test_a_diversity_that_makes_the_improvement_is_found_and_noise_is_not() -> None:
    chosen, matrix = subsets(8, "all"), random_matrix(8, 8)
    random = np.random.default_rng(9)
    made = mean_pairwise(chosen, matrix) + random.normal(scale=1e-3, size=len(chosen))
    groups = np.ones((1, len(chosen)), dtype=bool)
    assert mantel_p_values(Diversity("d", matrix), chosen, made[None], groups, 199, 0)[0, 0] == 1 / 200
    p_values = [
        mantel_p_values(Diversity("d", random_matrix(seed, 8)), chosen, made[None], groups, 99, seed)[0, 0]
        for seed in range(100, 140)
    ]
    assert 0.3 < np.mean(p_values) < 0.7  # uniform if the test is right, however alike the ensembles are


def test_every_row_of_the_table_equals_scipy() -> None:
    table, matrix = study()
    result = whole_table(table, matrix)
    assert set(result["size"]) == {"all", "2", "3", "4", "5"}
    for row in result.filter(pl.col("measure") == "disagreement").iter_rows(named=True):
        part = table if row["size"] == "all" else table.filter(pl.col("size") == int(row["size"]))
        assert row["ensembles"] == len(part)
        if len(part) < 3:
            assert row["pearson"] is None
            continue
        x, y = part["disagreement"].to_numpy(), part[f"improvement_{row['improvement']}"].to_numpy()
        assert row["pearson"] == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
        assert row["spearman"] == pytest.approx(scipy.stats.spearmanr(x, y).statistic)


def test_mean_member_accuracy_is_a_measure_without_a_partial_correlation() -> None:
    table, matrix = study()
    rows = whole_table(table, matrix).filter(pl.col("measure") == ACCURACY, pl.col("size") == "all")
    expected = scipy.stats.pearsonr(table[ACCURACY], table["improvement_over_mean"]).statistic
    assert rows.filter(pl.col("improvement") == "over_mean")["pearson"].item() == pytest.approx(expected)
    assert rows["partial_pearson"].to_list() == [None, None]
    assert rows["p_value"].is_between(0.01, 1).all()


def test_q_values_are_benjamini_hochberg_over_the_rows_of_one_size() -> None:
    table, matrix = study()
    rows = whole_table(table, matrix).filter(pl.col("size") == "all")
    p = rows["p_value"].to_numpy()
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    expected = np.empty(len(p))
    expected[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1)
    assert rows["q_value"].to_numpy() == pytest.approx(expected)


def test_the_result_depends_on_the_seed_and_on_nothing_else() -> None:
    table, matrix = study()
    assert whole_table(table, matrix).equals(whole_table(table, matrix))
    other = whole_table(table, matrix, seed=1)
    assert other["pearson"].equals(whole_table(table, matrix)["pearson"])
    assert not other["p_value"].equals(whole_table(table, matrix)["p_value"])


def test_two_members_make_one_ensemble_and_no_claim() -> None:
    table, matrix = study(members=2)
    result = whole_table(table, matrix, members=2)
    assert result.filter(pl.col("size") == "all")["ensembles"].to_list() == [1, 1, 1, 1]
    for column in ("pearson", "spearman", "partial_pearson", "ci_low", "ci_high", "p_value", "q_value"):
        assert result[column].is_null().all()


def test_equal_members_have_no_correlation_rather_than_a_misleading_one() -> None:
    labels = torch.zeros(30, dtype=torch.int64)
    one = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    settings = {"sizes": "all", "consensus": ["average"]}
    matrix = np.zeros((4, 4))
    table = ensembles_table(one.expand(4, 30, 3), labels, settings, {"disagreement": matrix}, None)
    result = whole_table(table, matrix, members=4)
    assert result["pearson"].is_null().all()
    assert result["p_value"].is_null().all()
