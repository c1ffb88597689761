"""Correlations, their intervals and their p-values, against plain and independent computations."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import polars as pl
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.tables import ensembles_table, mean_pairwise
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import partial_pearson, pearson, spearman, standardised
from scripts.lib.statistics.correlations import ACCURACY, STATISTICS, Evidence, correlations_table
from scripts.lib.statistics.jackknife import jackknife_interval
from scripts.lib.statistics.permutations import mantel_p_values, permuted_pearson, random_orders
from tests.unit.conftest import subsets, tally_of

MEMBERS = 5
Statistic = Callable[[np.ndarray, np.ndarray], float]


def random_matrix(seed: int, members: int = MEMBERS) -> np.ndarray:
    values = np.random.default_rng(seed).random((members, members))
    return (values + values.T) / 2


def study(
    seed: int = 0, members: int = MEMBERS, samples: int = 200, sizes: str | list[int] = "all", **matrices: np.ndarray
) -> Evidence:
    """Random members of different skill; a random matrix for each measure unless others are given."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (samples,), generator=generator)
    logits = torch.randn(members, samples, 3, generator=generator)
    logits[:, torch.arange(samples), labels] += torch.linspace(0.3, 1.5, members)[:, None]
    return evidence(logits.softmax(2), labels, sizes, matrices or {"disagreement": random_matrix(seed, members)})


def evidence(
    probabilities: torch.Tensor, labels: torch.Tensor, sizes: str | list[int], matrices: dict[str, np.ndarray]
) -> Evidence:
    chosen = subsets(len(probabilities), sizes)
    counts = tally_of(probabilities, labels, chosen)
    table = ensembles_table(counts, chosen, matrices, 0)
    return Evidence(table, 100 * counts.joint.diagonal() / len(labels), matrices)


def without_value(table: pl.DataFrame) -> set[str]:
    """The columns of statistics that have no value in any row."""
    return {name for name in (*STATISTICS, "q_value") if table[name].is_null().all()}


# One correlation.


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


# Intervals.


def brute_force_interval(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    members = chosen.shape[1]
    left_out = []
    for member in range(members):
        without = [row for row, inside in enumerate(chosen) if not inside[member]]
        left_out.append(np.arctanh(scipy.stats.pearsonr(x[without], y[without]).statistic))
    error = np.sqrt((members - 1) / members * sum((z - np.mean(left_out)) ** 2 for z in left_out))
    half = scipy.stats.t.ppf(0.975, members - 1) * error
    whole = np.arctanh(scipy.stats.pearsonr(x, y).statistic)
    return np.tanh(whole - half), np.tanh(whole + half)


@pytest.mark.parametrize("sizes", ["all", [2], [2, 4]])
def test_the_jackknife_leaves_out_each_member_with_all_of_its_ensembles(sizes: str | list[int]) -> None:
    chosen = subsets(MEMBERS, sizes)
    x, y = np.random.default_rng(5).normal(size=(2, 2, len(chosen)))
    low, high = jackknife_interval(x, y, chosen)
    for a, b in np.ndindex(2, 2):
        assert (low[a, b], high[a, b]) == pytest.approx(brute_force_interval(x[a], y[b], chosen))
        assert low[a, b] < pearson(x, y)[a, b] < high[a, b]


def test_no_interval_where_leaving_out_a_member_leaves_too_few_ensembles_or_a_constant() -> None:
    three = subsets(3, "all")  # without one member a single pair is left
    x, y = np.random.default_rng(6).normal(size=(2, 1, len(three)))
    assert np.isnan(jackknife_interval(x, y, three)).all()
    five = subsets(5, "all")
    same_without_first = np.where(five[:, 0], np.arange(len(five)), 7.0)[None]
    assert np.isnan(jackknife_interval(same_without_first, np.arange(len(five))[None] ** 2.0, five)).all()


@pytest.mark.parametrize("noise", [0, 1e-7])
def test_no_interval_around_a_correlation_that_is_perfect_up_to_rounding(noise: float) -> None:
    chosen = subsets(5, "all")
    x, other = np.random.default_rng(7).normal(size=(2, 1, len(chosen)))
    assert np.isnan(jackknife_interval(x, 3 * x + 1 + noise * other, chosen)).all()


# P-values.


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
    chosen, orders = subsets(6, "all"), random_orders(6, 10, seed=1)
    y = np.random.default_rng(9).normal(size=(1, len(chosen)))
    whole = permuted_correlations(random_matrix(9, 6)[None], y, chosen, orders)
    monkeypatch.setattr("scripts.lib.statistics.by_size.BLOCK_ENSEMBLES", 7)
    np.testing.assert_allclose(permuted_correlations(random_matrix(9, 6)[None], y, chosen, orders), whole, atol=1e-12)


def test_permutations_without_a_correlation_count_as_extreme() -> None:
    observed = np.array([[0.5, np.nan, -0.5]])
    permuted = np.array([[[0.4, 0, 0.4], [-0.5, 0, 0.6], [np.nan, 0, 0.1], [0.1, 0, -0.1]]])
    np.testing.assert_array_equal(mantel_p_values(observed, permuted), [[3 / 5, np.nan, 2 / 5]])


def p_value(matrix: np.ndarray, y: np.ndarray, chosen: np.ndarray, orders: np.ndarray) -> float:
    observed = pearson(mean_pairwise(chosen, matrix)[None], y[None])
    return float(mantel_p_values(observed, permuted_correlations(matrix[None], y[None], chosen, orders)).item())


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


# The table.


def test_every_row_of_the_table_equals_scipy_on_the_ensembles() -> None:
    found = study()
    result = correlations_table({"clean": found}.items(), 99, 0)
    assert set(result["size"]) == {"all", "2", "3", "4", "5"}
    assert set(result["improvement"]) == {"over_mean", "over_best", "over_baseline"}
    assert len(result) == 2 * 2 * 3 * 5
    for row in result.iter_rows(named=True):
        part = found.ensembles.filter(consensus=row["consensus"])
        part = part if row["size"] == "all" else part.filter(size=int(row["size"]))
        assert row["ensembles"] == len(part)
        if len(part) < 3:
            assert [row[name] for name in (*STATISTICS, "q_value")] == [None] * 7
            continue
        x, y = part[row["measure"]].to_numpy(), part[f"improvement_{row['improvement']}"].to_numpy()
        assert row["pearson"] == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
        assert row["spearman"] == pytest.approx(scipy.stats.spearmanr(x, y).statistic)
        if row["measure"] == ACCURACY:
            assert row["partial_pearson"] is None
        else:
            fixed = part[ACCURACY].to_numpy()
            expected = np.corrcoef(residual(x, fixed), residual(y, fixed))[0, 1]
            assert row["partial_pearson"] == pytest.approx(expected)


def test_columns_and_order_are_those_of_the_contract() -> None:
    result = correlations_table({"clean": study(0), "noise": study(1)}.items(), 99, 0)
    assert result.schema == pl.Schema(
        {
            **dict.fromkeys(["dataset", "consensus", "measure", "improvement", "size"], pl.String),
            **dict.fromkeys([*STATISTICS, "q_value"], pl.Float64),
            "ensembles": pl.Int64,
            "interval": pl.String,
        }
    )
    assert result["dataset"].unique(maintain_order=True).to_list() == ["clean", "noise"]
    assert result["measure"].unique(maintain_order=True).to_list() == ["disagreement", ACCURACY]
    assert result["size"].unique(maintain_order=True).to_list() == ["all", "2", "3", "4", "5"]
    assert result["interval"].unique().to_list() == ["95 %, delete-one-member jackknife on Fisher's z"]


@pytest.mark.parametrize("measure", ["disagreement", ACCURACY])
def test_p_values_of_the_table_equal_a_loop_over_permutations(measure: str) -> None:
    found = study(members=6)
    rows = correlations_table({"clean": found}.items(), 99, 5).filter(
        measure=measure, consensus="vote", improvement="over_mean"
    )
    source = found.accuracies if measure == ACCURACY else found.diversities[measure]
    for row in rows.filter(pl.col("ensembles") > 2).iter_rows(named=True):
        part = found.ensembles.filter(consensus="vote")
        part = part if row["size"] == "all" else part.filter(size=int(row["size"]))
        chosen = np.array([[member in members for member in range(6)] for members in part["members"].to_list()])
        y = part["improvement_over_mean"].to_numpy()
        extreme = 0
        for order in random_orders(6, 99, 5):
            shuffled = scipy.stats.pearsonr(means(permuted(source, order), chosen), y).statistic
            extreme += abs(shuffled) >= abs(row["pearson"]) - 1e-9
        assert row["p_value"] == (1 + extreme) / 100


def test_q_values_are_benjamini_hochberg_over_all_rows_of_one_size() -> None:
    result = correlations_table({"clean": study(0), "noise": study(1)}.items(), 99, 0)
    for size in ("all", "2"):
        rows = result.filter(size=size)
        p = rows["p_value"].to_numpy()
        assert len(p) == 2 * 2 * 2 * 3
        order = np.argsort(p)
        scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
        expected = np.empty(len(p))
        expected[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1)
        np.testing.assert_allclose(rows["q_value"], expected)


def test_the_table_does_not_depend_on_the_order_of_rows_or_on_other_datasets() -> None:
    found = study()
    shuffled = Evidence(found.ensembles.sample(fraction=1, shuffle=True, seed=1), found.accuracies, found.diversities)
    expected = correlations_table({"clean": found}.items(), 99, 0)
    assert correlations_table({"clean": shuffled}.items(), 99, 0).equals(expected)
    beside = correlations_table({"noise": study(3), "clean": found}.items(), 99, 0).filter(dataset="clean")
    assert beside.drop("q_value").equals(expected.drop("q_value"))


def test_the_seed_changes_p_values_only() -> None:
    first, second = (correlations_table({"clean": study()}.items(), 99, seed) for seed in (0, 1))
    assert first.drop("p_value", "q_value").equals(second.drop("p_value", "q_value"))
    assert not first["p_value"].equals(second["p_value"])


def test_ensembles_of_one_member_are_left_out() -> None:
    expected = correlations_table({"clean": study(sizes=[2, 3])}.items(), 99, 0)
    assert correlations_table({"clean": study(sizes=[1, 2, 3])}.items(), 99, 0).equals(expected)
    alone = correlations_table({"clean": study(sizes=[1])}.items(), 99, 0)
    assert set(alone["size"]) == {"all"}
    assert set(alone["ensembles"]) == {0}
    assert without_value(alone) == {*STATISTICS, "q_value"}


def test_two_members_make_one_ensemble_and_no_claim() -> None:
    result = correlations_table({"clean": study(members=2)}.items(), 99, 0)
    assert set(result["ensembles"]) == {1}
    assert without_value(result) == {*STATISTICS, "q_value"}


@pytest.mark.parametrize("similarity", [1.0, 1 - 1e-16])
def test_equal_members_have_no_correlation_rather_than_a_misleading_one(similarity: float) -> None:
    labels = torch.arange(30) % 3
    one = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)).softmax(1)
    rounding = np.triu(np.full((5, 5), similarity), 1)
    diversity = 1 - (rounding + rounding.T + np.eye(5))
    result = correlations_table(
        {"clean": evidence(one.expand(5, 30, 3), labels, "all", {"d": diversity})}.items(), 99, 0
    )
    assert without_value(result) == {*STATISTICS, "q_value"}


def test_equal_diversities_have_no_correlation_but_accuracy_has() -> None:
    result = correlations_table({"clean": study(d=np.full((MEMBERS, MEMBERS), 0.1))}.items(), 99, 0).filter(size="all")
    assert without_value(result.filter(measure="d")) == {*STATISTICS, "q_value"}
    assert without_value(result.filter(measure=ACCURACY)) == {"partial_pearson"}


def test_a_pair_without_a_value_leaves_its_measure_without_a_claim() -> None:
    holed = random_matrix(0)
    holed[0, 1] = holed[1, 0] = np.nan
    result = correlations_table({"clean": study(holed=holed, whole=random_matrix(1))}.items(), 99, 0).filter(size="all")
    assert without_value(result.filter(measure="holed")) == {*STATISTICS, "q_value"}
    assert without_value(result.filter(measure="whole")) == set()


# Measures of some of the members.


def test_a_measure_of_some_members_is_correlated_as_if_there_were_no_others() -> None:
    known = [0, 2, 3, 5]
    whole, partial = random_matrix(1, 6), random_matrix(2, 6)
    partial[[1, 4]] = partial[:, [1, 4]] = np.nan
    everyone = study(members=6, disagreement=whole, attributions=partial)
    places = {number: place for place, number in enumerate(known)}
    table = everyone.ensembles.filter(pl.col("members").list.eval(pl.element().is_in(known)).list.all())
    renumbered = table.with_columns(pl.col("members").list.eval(pl.element().replace_strict(places)))
    alone = Evidence(renumbered, everyone.accuracies[known], {"attributions": partial[np.ix_(known, known)]})
    with_all = replace(everyone, compared={"attributions": known})
    found, expected, plain = (correlations_table({"clean": one}.items(), 99, 0) for one in (with_all, alone, everyone))
    keys = ["consensus", "size", "improvement", "ensembles", *STATISTICS]
    of_measure = found.filter(measure="attributions")
    assert len(of_measure) > 10
    assert_frame_equal(of_measure.select(keys), expected.filter(measure="attributions").select(keys))
    for measure in ("disagreement", ACCURACY):
        assert_frame_equal(found.filter(measure=measure).select(keys), plain.filter(measure=measure).select(keys))
    assert without_value(plain.filter(measure="attributions", size="all")) >= {"pearson", "p_value"}
