"""Correlations of what is known on the clean set with gains under shift, against numpy's, one by one."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import scipy.stats
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.subsets import mean_pairwise
from scripts.lib.statistics.by_size import by_size
from scripts.lib.statistics.predictors import SCHEMA, predictors_table
from scripts.lib.statistics.split_evidence import SplitEvidence, WithoutImages
from tests.unit.statistics.test_effects import halves_of, study

MEMBERS = 7
CLEAN, CHOSEN = study(seed=1, members=MEMBERS, disagreement=halves_of(1, MEMBERS), js_divergence=halves_of(2, MEMBERS))
NOISE, _ = study(seed=2, members=MEMBERS, disagreement=halves_of(3, MEMBERS), js_divergence=halves_of(4, MEMBERS))


def table_of(clean: SplitEvidence, noise: SplitEvidence, chosen: np.ndarray = CHOSEN) -> pl.DataFrame:
    def read() -> Iterator[tuple[str, SplitEvidence]]:
        yield from {"clean": clean, "noise": noise}.items()

    return predictors_table(read, chosen)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return table_of(CLEAN, NOISE)


def within_sizes(values: np.ndarray, size: np.ndarray) -> np.ndarray:
    return np.concatenate([values[size == each] - values[size == each].mean() for each in np.unique(size)])


def one_by_one(predictor: str, gain: str, consensus: str, kept: np.ndarray) -> float:
    """The correlation over the ensembles `kept`, bool [E]: the mean of both ways to use the halves."""
    chosen, found = CHOSEN[kept], []
    for half in (0, 1):
        members_before, members_after = (
            chosen @ evidence.accuracies[side] / chosen.sum(1) for evidence, side in ((CLEAN, half), (NOISE, 1 - half))
        )
        after = NOISE.outcomes[consensus][1 - half][kept]
        x = {"mean_member_accuracy": members_before, "ensemble_accuracy": CLEAN.outcomes[consensus][half][kept]}
        if predictor in CLEAN.diversities:
            x[predictor] = mean_pairwise(chosen, CLEAN.diversities[predictor][half])
        y = after if gain == "accuracy" else after - members_after
        centred = (within_sizes(values, chosen.sum(1)) for values in (x[predictor], y))
        found.append(np.corrcoef(*centred)[0, 1])
    return float(np.mean(found))


PREDICTORS = ("disagreement", "js_divergence", "mean_member_accuracy", "ensemble_accuracy")


@pytest.mark.parametrize("consensus", ["average", "vote"])
@pytest.mark.parametrize("gain", ["accuracy", "over_mean"])
@pytest.mark.parametrize("predictor", PREDICTORS)
def test_correlation_difference_and_intervals(table: pl.DataFrame, predictor: str, gain: str, consensus: str) -> None:
    row = table.row(by_predicate=_is(predictor, gain, consensus), named=True)
    several = CHOSEN.sum(1) > 1
    kept = [several, *(several & ~CHOSEN[:, member] for member in range(MEMBERS))]
    own = np.array([one_by_one(predictor, gain, consensus, rows) for rows in kept])
    accuracy = np.array([one_by_one("ensemble_accuracy", gain, consensus, rows) for rows in kept])
    assert row["correlation"] == pytest.approx(own[0])
    assert row["over_accuracy"] == pytest.approx(own[0] - accuracy[0])
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.tanh(jackknife(np.arctanh(own)))))
    if predictor == "ensemble_accuracy":
        assert (row["over_accuracy_low"], row["over_accuracy_high"]) == (None, None)
    else:
        assert (row["over_accuracy_low"], row["over_accuracy_high"]) == pytest.approx(jackknife(own - accuracy))
    assert (row["members"], row["ensembles"]) == (MEMBERS, several.sum())


def _is(predictor: str, gain: str, consensus: str) -> pl.Expr:
    return (pl.col("predictor") == predictor) & (pl.col("gain") == gain) & (pl.col("consensus") == consensus)


def jackknife(values: np.ndarray) -> tuple[float, float]:
    without, count = values[1:], len(values) - 1
    error = np.sqrt((count - 1) * without.var())
    half = scipy.stats.t.ppf(0.975, count - 1) * error
    return values[0] - half, values[0] + half


def test_sampled_ensembles_give_what_the_definition_says() -> None:
    """Without one ensemble, counting does not apply, and every ensemble is looked at."""
    keep = np.arange(len(CHOSEN)) != 40
    evidence = [
        replace(each, outcomes={name: values[:, keep] for name, values in each.outcomes.items()})
        for each in (CLEAN, NOISE)
    ]
    row = table_of(*evidence, CHOSEN[keep]).row(by_predicate=_is("disagreement", "over_mean", "vote"), named=True)
    several = (CHOSEN.sum(1) > 1) & keep
    assert row["correlation"] == pytest.approx(one_by_one("disagreement", "over_mean", "vote", several))


def test_a_shift_that_takes_the_same_from_all_ensembles_is_foretold_by_their_accuracy() -> None:
    same = {name: np.stack([values[0], values[0]]) for name, values in CLEAN.outcomes.items()}
    clean = replace(CLEAN, outcomes=same)
    shifted = replace(clean, outcomes={name: values - 5 for name, values in same.items()})
    found = table_of(clean, shifted).filter(gain="accuracy")
    np.testing.assert_allclose(found.filter(predictor="ensemble_accuracy")["correlation"], 1)
    others = found.filter(pl.col("predictor") != "ensemble_accuracy")
    np.testing.assert_allclose(others["over_accuracy"], others["correlation"] - 1)


def test_the_sign_says_whether_more_or_less_diverse_ensembles_gain() -> None:
    """Accuracy that is minus the diversity: the more diverse ensembles are the worse ones, by choice of either."""
    means = np.stack([np.zeros(len(CHOSEN)), np.zeros(len(CHOSEN))])
    several = CHOSEN.sum(1) > 1
    for half in (0, 1):
        means[half, several] = mean_pairwise(CHOSEN[several], CLEAN.diversities["disagreement"][half])
    shifted = replace(NOISE, outcomes=dict.fromkeys(NOISE.outcomes, -means[::-1]))
    found = table_of(CLEAN, shifted).filter(predictor="disagreement", gain="accuracy")
    np.testing.assert_allclose(found["correlation"], -1)
    assert found["low"].is_null().all(), "Fisher's z of a perfect correlation is infinite"
    assert (found["over_accuracy"] < 0).all()


def test_intervals_of_correlations_stay_between_minus_one_and_one(table: pl.DataFrame) -> None:
    assert (table["low"] > -1).all()
    assert (table["high"] < 1).all()
    assert ((table["low"] < table["correlation"]) & (table["correlation"] < table["high"])).all()


def test_intervals_over_images_are_wider_than_those_over_members_alone(table: pl.DataFrame) -> None:
    groups = 5

    def with_groups(evidence: SplitEvidence, seed: int) -> SplitEvidence:
        generator = np.random.default_rng(seed)
        parts = [
            replace(evidence, outcomes={
                name: values + generator.normal(size=values.shape) for name, values in evidence.outcomes.items()
            })
            for _ in range(groups)
        ]  # fmt: skip
        everyone = tuple(range(MEMBERS))
        return replace(evidence, without_images=WithoutImages(CHOSEN, {everyone: np.arange(len(CHOSEN))}, parts))

    both = table_of(with_groups(CLEAN, 1), with_groups(NOISE, 2))
    assert_frame_equal(both.select("predictor", "correlation"), table.select("predictor", "correlation"))
    assert (both["high"] - both["low"] > table["high"] - table["low"]).all()


def test_a_measure_of_some_members_is_compared_over_their_ensembles() -> None:
    compared = {"js_divergence": [0, 1, 3, 4, 5, 6]}
    found = table_of(*(replace(each, compared=compared) for each in (CLEAN, NOISE)))
    [own] = found.filter(predictor="js_divergence", gain="accuracy", consensus="vote").to_dicts()
    kept = (CHOSEN.sum(1) > 1) & ~CHOSEN[:, 2]
    expected = [one_by_one(name, "accuracy", "vote", kept) for name in ("js_divergence", "ensemble_accuracy")]
    assert (own["members"], own["ensembles"]) == (6, kept.sum())
    assert own["correlation"] == pytest.approx(expected[0])
    assert own["over_accuracy"] == pytest.approx(expected[0] - expected[1])
    accuracies = found.filter(predictor="ensemble_accuracy", gain="accuracy", consensus="vote")
    assert accuracies["members"].to_list() == [MEMBERS]


def test_the_accuracies_are_predictors_also_where_no_measure_compares_all_members() -> None:
    some = [0, 1, 3, 4, 5, 6]
    compared = {"js_divergence": some, "disagreement": some}
    found = table_of(*(replace(each, compared=compared) for each in (CLEAN, NOISE)))
    accuracies = found.filter(pl.col("predictor").str.contains("accuracy"))
    assert len(accuracies) == 2 * 2 * 2, "accuracies, gains and consensus"
    assert accuracies["members"].unique().to_list() == [MEMBERS]
    assert found.filter(predictor="disagreement")["members"].unique().to_list() == [6]
    [row] = accuracies.filter(predictor="mean_member_accuracy", gain="over_mean", consensus="average").to_dicts()
    assert row["correlation"] == pytest.approx(
        one_by_one("mean_member_accuracy", "over_mean", "average", CHOSEN.sum(1) > 1)
    )


def test_what_is_not_defined_is_null(table: pl.DataFrame) -> None:
    assert dict(table.schema) == SCHEMA
    unknown = {name: values.copy() for name, values in CLEAN.diversities.items()}
    unknown["disagreement"][0, 1, 2] = unknown["disagreement"][0, 2, 1] = np.nan
    found = table_of(replace(CLEAN, diversities=unknown), NOISE)
    assert found.filter(predictor="disagreement")["correlation"].is_null().all()
    others = pl.col("predictor") != "disagreement"
    assert_frame_equal(found.filter(others), table.filter(others))
    constant = {name: np.full_like(values, 50.0) for name, values in CLEAN.outcomes.items()}
    equal = table_of(replace(CLEAN, outcomes=constant), NOISE)
    assert equal.filter(predictor="ensemble_accuracy")["correlation"].is_null().all()
    assert equal["over_accuracy"].is_null().all()
    few, chosen = study(seed=1, members=5)
    assert table_of(few, few, chosen)["correlation"].is_null().all()


def test_one_validation_set_has_no_shift_and_no_ensembles_no_values() -> None:
    assert predictors_table(lambda: iter([("clean", CLEAN)]), CHOSEN).is_empty()
    single, chosen = study(seed=1, members=7, sizes=[1, 1])
    ensembles, _ = by_size(chosen)
    assert not len(ensembles.chosen)
    assert table_of(single, single, chosen)["correlation"].is_null().all()
