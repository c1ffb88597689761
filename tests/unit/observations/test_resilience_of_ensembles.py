"""Whether mixed families make ensembles more resilient: against least squares, and with a known difference."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from scripts.lib.ensembles.subsets import mean_pairwise, subsets
from scripts.lib.observations.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from scripts.lib.observations.resilience_of_ensembles import ShiftedSet, verdict
from scripts.lib.statistics.robustness import Counts

MEMBERS, SAMPLES = 9, 10_000
FAMILIES: list[str | None] = ["a", "a", "a", "b", "b", "b", "c", "c", "c"]
CHOSEN = subsets(MEMBERS, "all", 0, 0)
DIFFER = (np.array(FAMILIES)[:, None] != np.array(FAMILIES)).astype(float)
SIZE = CHOSEN.sum(1)


def shifted_set(gain: float = 0.0, seed: int = 0, noise: float = 20.0) -> ShiftedSet:
    """Ensembles as accurate as their mean member, and on the shifted set better by `gain` points if families differ."""
    generator = np.random.default_rng(seed)
    clean = generator.integers(6000, 9000, MEMBERS)
    shifted = np.round(SAMPLES * scipy.stats.norm.cdf(scipy.stats.norm.ppf(clean / SAMPLES) - 0.5)).astype(int)
    shifted += generator.integers(-100, 100, MEMBERS)
    of_clean, of_shifted = (CHOSEN @ values / SIZE for values in (clean, shifted))
    of_shifted = of_shifted + SAMPLES / 100 * gain * mean_pairwise(CHOSEN, DIFFER)
    of_clean, of_shifted = (values + noise * generator.normal(size=len(CHOSEN)) for values in (of_clean, of_shifted))
    counts = [Counts(np.round(values).astype(int), SAMPLES) for values in (shifted, of_shifted, clean, of_clean)]
    return ShiftedSet("noise", *counts)


def plain_slope(shifted: ShiftedSet, kept: np.ndarray) -> float:
    """By least squares over the ensembles `kept`, with accuracies in percent and one column per size."""

    def probits(of: Counts) -> np.ndarray:
        return np.asarray(scipy.stats.norm.ppf((of.right + 0.5) / (of.samples + 1)))

    line = scipy.stats.linregress(probits(shifted.clean_members), probits(shifted.members))
    expected = scipy.stats.norm.cdf(line.intercept + line.slope * probits(shifted.clean_ensembles))
    y = 100 * ((shifted.ensembles.right + 0.5) / (SAMPLES + 1) - expected)
    columns = [size == SIZE for size in np.unique(SIZE)]
    for accuracies in (shifted.members.right / SAMPLES, shifted.clean_members.right / SAMPLES):
        first, second = accuracies[:, None], accuracies[None]
        for matrix in (first + second, first**2 + second**2, first * second):
            columns.append(mean_pairwise(CHOSEN, matrix))
    design = np.stack([*columns, mean_pairwise(CHOSEN, DIFFER)], axis=1)[kept]
    return float(np.linalg.lstsq(design, y[kept])[0][-1])


def test_the_slope_and_its_interval_are_those_of_least_squares() -> None:
    sets = [shifted_set(1, seed) for seed in (0, 1)]
    found = verdict(FAMILIES, CHOSEN, sets)
    everything = np.ones(len(CHOSEN), bool)
    slopes = np.array([plain_slope(each, everything) for each in sets])
    assert found.deciding.value == pytest.approx(slopes.mean(), rel=1e-6)
    assert [each.value for each in found.others] == pytest.approx(slopes.tolist(), rel=1e-6)
    without = np.array([np.mean([plain_slope(each, ~CHOSEN[:, out]) for each in sets]) for out in range(MEMBERS)])
    half = scipy.stats.t.ppf(0.975, 8) * np.sqrt(8 / 9 * ((without - without.mean()) ** 2).sum())
    assert (found.deciding.low, found.deciding.high) == pytest.approx(
        (slopes.mean() - half, slopes.mean() + half), rel=1e-5
    )


@pytest.mark.parametrize(("gain", "expected"), [(0.0, SUPPORTED), (0.2, SUPPORTED), (3.0, CONTRADICTED)])
def test_less_than_the_margin_is_not_more_resilient(gain: float, expected: str) -> None:
    found = verdict(FAMILIES, CHOSEN, [shifted_set(gain, seed, noise=1) for seed in range(4)])
    assert found.verdict == expected
    assert found.deciding.value == pytest.approx(gain, abs=0.3)
    assert found.members == MEMBERS


def test_much_noise_leaves_it_undecided() -> None:
    found = verdict(FAMILIES, CHOSEN, [shifted_set(0.5, 2, noise=200)])
    assert found.verdict == UNDECIDED
    assert found.reason == ""
    assert found.deciding.low < 0.5 < found.deciding.high


def test_members_without_a_family_are_left_out_with_their_ensembles() -> None:
    families = [*FAMILIES[:8], None]
    found = verdict(families, CHOSEN, [shifted_set(1)])
    assert found.members == 8
    assert found.deciding.value == pytest.approx(plain_slope(shifted_set(1), ~CHOSEN[:, 8]), rel=1e-6)


@pytest.mark.parametrize(
    ("families", "sets", "reason"),
    [
        (FAMILIES, 0, "no shifted validation set"),
        ([*FAMILIES[:5], None, None, None, None], 1, "at least six members"),
        (["a"] * 9, 1, "all members are of one family"),
        ([str(place) for place in range(9)], 1, "all of different families"),
        ([None] * 9, 1, "at least six members"),
    ],
)
def test_what_cannot_be_computed_says_why(families: list[str | None], sets: int, reason: str) -> None:
    found = verdict(families, CHOSEN, [shifted_set()] * sets)
    assert found.verdict == UNDECIDED
    assert reason in found.reason


def test_without_a_line_of_the_members_there_is_no_verdict() -> None:
    """All members are equally accurate on the clean set."""
    same = replace(shifted_set(), clean_members=Counts(np.full(MEMBERS, 7000), SAMPLES))
    found = verdict(FAMILIES, CHOSEN, [same])
    assert found.verdict == UNDECIDED
    assert np.isnan(found.deciding.value)
    assert found.reason
