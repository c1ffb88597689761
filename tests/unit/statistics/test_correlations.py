"""Correlations, their intervals and their p-values, against plain and independent computations."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import scipy.stats
import torch
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.tables import ensembles_table
from scripts.lib.statistics.coefficients import pearson
from scripts.lib.statistics.correlations import STATISTICS, correlations_table
from scripts.lib.statistics.evidence import Evidence
from scripts.lib.statistics.jackknife import jackknife_interval
from scripts.lib.statistics.names import MEMBER_ACCURACY
from scripts.lib.statistics.permutations import random_orders
from tests.unit.conftest import subsets, tally_of
from tests.unit.statistics.test_coefficients import residual
from tests.unit.statistics.test_permutations import means, permuted, random_matrix

MEMBERS = 5


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
        if row["measure"] == MEMBER_ACCURACY:
            assert row["partial_pearson"] is None
        else:
            fixed = part[MEMBER_ACCURACY].to_numpy()
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
    assert result["measure"].unique(maintain_order=True).to_list() == ["disagreement", MEMBER_ACCURACY]
    assert result["size"].unique(maintain_order=True).to_list() == ["all", "2", "3", "4", "5"]
    assert result["interval"].unique().to_list() == ["95 %, delete-one-member jackknife on Fisher's z"]


@pytest.mark.parametrize("measure", ["disagreement", MEMBER_ACCURACY])
def test_p_values_of_the_table_equal_a_loop_over_permutations(measure: str) -> None:
    found = study(members=6)
    rows = correlations_table({"clean": found}.items(), 99, 5).filter(
        measure=measure, consensus="vote", improvement="over_mean"
    )
    source = found.accuracies if measure == MEMBER_ACCURACY else found.diversities[measure]
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
    assert without_value(result.filter(measure=MEMBER_ACCURACY)) == {"partial_pearson"}


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
    for measure in ("disagreement", MEMBER_ACCURACY):
        assert_frame_equal(found.filter(measure=measure).select(keys), plain.filter(measure=measure).select(keys))
    assert without_value(plain.filter(measure="attributions", size="all")) >= {"pearson", "p_value"}
