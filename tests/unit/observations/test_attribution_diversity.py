"""Two diversities' correlations with accuracy: against plain correlations, noise, and equal or different truths."""

import numpy as np
import pytest
import scipy.stats

from scripts.lib.ensembles.subsets import mean_pairwise, subsets
from scripts.lib.observations.attribution_diversity import Diversities, verdict
from scripts.lib.observations.claims import CONTRADICTED, SUPPORTED, UNDECIDED

MEMBERS = 10
CHOSEN = subsets(MEMBERS, "all", 0, 0)
SIZE = CHOSEN.sum(1)


def symmetric(generator: np.random.Generator) -> np.ndarray:
    matrix = generator.normal(size=(MEMBERS, MEMBERS))
    return (matrix + matrix.T) / np.sqrt(2)


def dataset(attributions: float, predictions: float, noise: float = 0.1, seed: int = 0) -> Diversities:
    """How much each diversity depends on the (lack of) accuracy of the two members; both halves have own noise."""
    generator = np.random.default_rng(seed)
    skill = generator.normal(size=MEMBERS)
    common = -(skill[:, None] + skill) / np.sqrt(2)

    def halves(share: float) -> np.ndarray:
        own = np.sqrt(1 - share**2) * symmetric(generator) + share * common
        return np.stack([own + noise * symmetric(generator) for _ in range(2)])

    accuracies = np.stack([60 + 5 * (CHOSEN @ skill / SIZE) + 0.1 * generator.normal(size=len(SIZE)) for _ in range(2)])
    return Diversities("noise", halves(attributions), halves(predictions), accuracies)


def within_sizes(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    centred = values.copy()
    for size in np.unique(SIZE):
        rows = kept & (size == SIZE)
        centred[rows] -= centred[rows].mean() if rows.any() else 0
    return centred[kept]


def plain(matrices: np.ndarray, accuracies: np.ndarray, kept: np.ndarray) -> float:
    even, odd = (within_sizes(mean_pairwise(CHOSEN, matrix), kept) for matrix in matrices)
    first, second = (within_sizes(values, kept) for values in accuracies)
    across = scipy.stats.pearsonr(even, second).statistic + scipy.stats.pearsonr(odd, first).statistic
    return float(across / 2 / np.sqrt(scipy.stats.pearsonr(even, odd).statistic))


def test_the_difference_and_its_interval_are_those_of_plain_correlations() -> None:
    one = dataset(0.3, 0.8)
    found = verdict(CHOSEN, [one])

    def difference(kept: np.ndarray) -> float:
        both = (plain(matrices, one.accuracies, kept) for matrices in (one.attributions, one.predictions))
        first, second = (np.arctanh(np.clip(r, -0.99, 0.99)) for r in both)
        return float(first - second)

    whole = difference(np.ones(len(SIZE), bool))
    without = np.array([difference(~CHOSEN[:, out]) for out in range(MEMBERS)])
    half = scipy.stats.t.ppf(0.975, 9) * np.sqrt(9 / 10 * ((without - without.mean()) ** 2).sum())
    assert found.deciding.value == pytest.approx(whole)
    assert (found.deciding.low, found.deciding.high) == pytest.approx((whole - half, whole + half))
    assert [each.statistic for each in found.others] == [
        "correlation_of_attribution_diversity",
        "correlation_of_prediction_disagreement",
        "difference_of_fisher_z",
    ]
    everything = np.ones(len(SIZE), bool)
    assert found.others[0].value == pytest.approx(plain(one.attributions, one.accuracies, everything))
    assert found.others[1].value == pytest.approx(plain(one.predictions, one.accuracies, everything))
    assert found.others[0].dataset == "noise"


def test_a_difference_is_found_in_both_directions() -> None:
    assert verdict(CHOSEN, [dataset(0.0, 0.95, seed=seed) for seed in range(4)]).verdict == SUPPORTED
    assert verdict(CHOSEN, [dataset(0.95, 0.0, seed=seed) for seed in range(4)]).verdict == CONTRADICTED


def test_equal_diversities_are_undecided() -> None:
    verdicts = [verdict(CHOSEN, [dataset(0.6, 0.6, seed=seed)]).verdict for seed in range(40)]
    assert verdicts.count(UNDECIDED) >= 36


def test_noise_of_few_images_does_not_make_a_correlation_weaker() -> None:
    """On average over studies, up to what the correction cannot know."""

    def mean(noise: float) -> float:
        found = (verdict(CHOSEN, [dataset(0.7, 0.7, noise, seed)]).others[0].value for seed in range(30))
        return float(np.mean(list(found)))

    assert mean(1.0) == pytest.approx(mean(0.01), abs=0.08)


def test_a_diversity_that_is_only_noise_has_no_correlation() -> None:
    one = dataset(0.5, 0.5)
    generator = np.random.default_rng(1)
    noise = Diversities("clean", np.stack([symmetric(generator) for _ in range(2)]), one.predictions, one.accuracies)
    found = verdict(CHOSEN, [noise])
    assert found.verdict == UNDECIDED
    assert found.reason == "a diversity does not agree between the even and the odd images"


@pytest.mark.parametrize("members", [0, 1, 4])
def test_too_few_members_with_attributions(members: int) -> None:
    found = verdict(subsets(members, "all", 0, 0) if members > 1 else np.zeros((0, members), bool), [])
    assert found.verdict == UNDECIDED
    assert "at least 5 members with attributions" in found.reason
