"""Wilson's interval against scipy, bit by bit; Tango's against published numbers and against its definition."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, multinomial

from scripts.lib.ensembles.intervals import Z, paired_interval, wilson_interval


@pytest.mark.parametrize("samples", [1, 2, 7, 360, 10_000, 50_000])
def test_intervals_are_those_of_scipy(samples: int) -> None:
    right = np.unique(np.linspace(0, samples, 200).astype(np.int64))
    expected = [binomtest(int(count), samples).proportion_ci(method="wilson") for count in right]
    low, high = wilson_interval(right, samples)
    np.testing.assert_array_equal(low, [100 * interval.low for interval in expected])
    np.testing.assert_array_equal(high, [100 * interval.high for interval in expected])


def test_nothing_and_everything_right_end_at_the_bounds() -> None:
    low, high = wilson_interval(np.array([0, 10]), 10)
    assert low[0] == 0
    assert high[1] == 100


def one(only_first: int, only_second: int, samples: int) -> tuple[float, float]:
    low, high = paired_interval(np.array([only_first]), np.array([only_second]), samples)
    return low.item(), high.item()


# Fagerland, Lydersen & Laake 2017, Statistical Analysis of Contingency Tables, chapter 8: data of Bentur et al. 2009
# and of Cavo et al. 2012. The tests of the authors' R package `contingencytables` have the second one.
@pytest.mark.parametrize(
    ("counts", "expected"), [((1, 7, 21), (-51.7, -2.6)), ((6, 16, 161), (-12.40, -0.54))], ids=["Bentur", "Cavo"]
)
def test_paired_intervals_are_the_published_ones(counts: tuple[int, int, int], expected: tuple[float, float]) -> None:
    assert one(*counts) == pytest.approx(expected, abs=0.06 if counts[2] < 100 else 0.006)


def score(difference: float, only_first: int, only_second: int, samples: int) -> float:
    """The score statistic, with the likelihood maximised numerically over the probability that only the second is
    correct."""
    same = samples - only_first - only_second

    def unlikely(second: float) -> float:
        cells = np.array([second + difference, second, 1 - 2 * second - difference])
        counts = np.array([only_first, only_second, same])
        return -float((counts[counts > 0] * np.log(np.maximum(cells[counts > 0], 1e-300))).sum())

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    second = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = samples * (2 * second + difference - difference**2)
    return (only_first - only_second - samples * difference) / np.sqrt(variance)


@pytest.mark.parametrize("counts", [(1, 7, 21), (6, 16, 161), (40, 20, 160), (3, 0, 500), (0, 1, 44), (250, 230, 500)])
def test_the_score_test_just_rejects_both_ends(counts: tuple[int, int, int]) -> None:
    low, high = one(*counts)
    assert score(low / 100, *counts) == pytest.approx(Z, abs=2e-4)
    assert score(high / 100, *counts) == pytest.approx(-Z, abs=2e-4)


def test_without_a_sample_that_only_one_classifies_correctly_the_interval_has_a_width() -> None:
    low, high = one(0, 0, 50)
    assert high == pytest.approx(100 * Z**2 / (50 + Z**2))
    assert low == -high


def test_paired_intervals_are_symmetric_and_stay_within_the_possible() -> None:
    first, second = np.array([0, 1, 5, 3, 0]), np.array([5, 0, 0, 2, 0])
    low, high = paired_interval(first, second, 5)
    swapped_low, swapped_high = paired_interval(second, first, 5)
    np.testing.assert_allclose([-high, -low], [swapped_low, swapped_high])
    assert low.min() >= -100
    assert high.max() <= 100
    assert (low <= 20 * (first - second)).all()
    assert (high >= 20 * (first - second)).all()
    low, high = one(1, 0, 1)
    assert -100 <= low <= 100 == pytest.approx(high)


def coverage(first: float, second: float, samples: int) -> float:
    """The probability that the interval has the true difference, by adding up all possible counts."""
    counts = [(b, c) for b in range(samples + 1) for c in range(samples + 1 - b)]
    b, c = (np.array(column) for column in zip(*counts, strict=True))
    low, high = paired_interval(b, c, samples)
    likely = multinomial.pmf(np.stack([b, c, samples - b - c], axis=1), samples, [first, second, 1 - first - second])
    inside = (low <= 100 * (first - second)) & (100 * (first - second) <= high)
    return float(likely[inside].sum())


def test_paired_intervals_cover_the_true_difference() -> None:
    """Probabilities that only the first, or only the second, is correct, as ensembles that share members have them."""
    truths = [(0.02, 0.02), (0.05, 0.02), (0.1, 0.1), (0.15, 0.05), (0.2, 0.0), (0.3, 0.25), (0.01, 0.0)]
    found = [coverage(*truth, samples) for truth in truths for samples in (30, 100)]
    assert min(found) > 0.925
    assert 0.945 < np.mean(found) < 0.98
