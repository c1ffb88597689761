"""The line of the members under shift, and effective robustness, against scipy."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.statistics.robustness import (
    Counts,
    Line,
    effective_robustness,
    fit_line,
    is_extrapolated,
    jackknifed_line,
)

CLEAN = Counts(np.array([700, 812, 640, 655, 930, 1000, 0]), 1000)
SHIFTED = Counts(np.array([200, 333, 180, 150, 401, 0, 250]), 500)


def reference(clean: Counts, shifted: Counts) -> tuple[float, float]:
    """Intercept and slope by scipy, from accuracies (right + ½) / (samples + 1)."""
    x, y = (scipy.stats.norm.ppf((counts.right + 0.5) / (counts.samples + 1)) for counts in (clean, shifted))
    found = scipy.stats.linregress(x, y)
    return found.intercept, found.slope


counts = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=3, max_size=12)


@given(counts)
@settings(max_examples=100, deadline=None)
def test_the_line_is_scipys_also_for_accuracies_of_0_and_1(rows: list[tuple[int, int]]) -> None:
    clean, shifted = (Counts(np.array(right), 50) for right in zip(*rows, strict=True))
    line = fit_line(clean, shifted)
    if len(set(clean.right)) == 1:
        assert np.isnan([line.intercept, line.slope]).all()
        assert line.reason == "all members are equally accurate on the clean set"
    else:
        np.testing.assert_allclose([line.intercept, line.slope], reference(clean, shifted), atol=1e-9)
        assert line.reason == ""
    assert (line.lowest, line.highest) == (clean.shares().min(), clean.shares().max())


@pytest.mark.parametrize("members", [0, 1, 2])
def test_there_is_no_line_through_fewer_than_three_members(members: int) -> None:
    few = Counts(CLEAN.right[:members], 1000), Counts(SHIFTED.right[:members], 500)
    line = fit_line(*few)
    assert np.isnan([line.intercept, line.slope]).all()
    assert line.reason == "fewer than three members"
    assert np.isnan(effective_robustness(*few, line)).all()
    assert not np.isnan(few[0].probits()).any()


def test_effective_robustness_is_what_exceeds_the_line_in_percentage_points() -> None:
    line = fit_line(CLEAN, SHIFTED)
    intercept, slope = reference(CLEAN, SHIFTED)
    expected = scipy.stats.norm.cdf(intercept + slope * scipy.stats.norm.ppf((CLEAN.right + 0.5) / 1001))
    observed = (SHIFTED.right + 0.5) / 501
    np.testing.assert_allclose(effective_robustness(CLEAN, SHIFTED, line), 100 * (observed - expected), atol=1e-9)


def test_members_on_a_line_have_no_effective_robustness_and_an_ensemble_above_it_has() -> None:
    """A line in probits through counts of a million samples; half a sample more or less is rounding."""
    samples = 10**6
    probits = np.linspace(-0.5, 1.5, 8)
    clean = Counts(scipy.stats.norm.cdf(probits) * (samples + 1) - 0.5, samples)
    shifted = Counts(scipy.stats.norm.cdf(-0.7 + 0.8 * probits) * (samples + 1) - 0.5, samples)
    line = fit_line(clean, shifted)
    np.testing.assert_allclose([line.intercept, line.slope], [-0.7, 0.8], atol=1e-9)
    np.testing.assert_allclose(effective_robustness(clean, shifted, line), 0, atol=1e-9)
    better = Counts(shifted.right + 0.02 * (samples + 1), samples)
    np.testing.assert_allclose(effective_robustness(clean, better, line), 2, atol=1e-9)


def test_equal_members_have_the_same_line_as_one_of_each_with_more_weight() -> None:
    twice = [Counts(np.repeat(counts.right, 2), counts.samples) for counts in (CLEAN, SHIFTED)]
    line, once = fit_line(*twice), fit_line(CLEAN, SHIFTED)
    np.testing.assert_allclose([line.intercept, line.slope], [once.intercept, once.slope], atol=1e-12)


def test_only_accuracies_outside_of_the_members_are_extrapolated() -> None:
    line = Line(intercept=0, slope=1, lowest=500.5 / 1001, highest=700.5 / 1001)
    asked = Counts(np.array([[499, 500, 600], [700, 701, 1000]]), 1000)
    np.testing.assert_array_equal(is_extrapolated(asked, line), [[True, False, False], [False, True, True]])


def test_intervals_are_those_of_leaving_out_each_member() -> None:
    found = jackknifed_line(CLEAN, SHIFTED)
    members = len(CLEAN.right)
    without = np.array([reference(CLEAN.without(member), SHIFTED.without(member)) for member in range(members)])
    error = np.sqrt((members - 1) / members * ((without - without.mean(0)) ** 2).sum(0))
    half = scipy.stats.t.ppf(0.975, members - 1) * error
    whole = np.array(reference(CLEAN, SHIFTED))
    found_low, found_high = zip(found.intercept_interval(), found.slope_interval(), strict=True)
    np.testing.assert_allclose(found_low, whole - half, atol=1e-9)
    np.testing.assert_allclose(found_high, whole + half, atol=1e-9)


def test_the_band_is_the_interval_of_the_expected_accuracy() -> None:
    found = jackknifed_line(CLEAN, SHIFTED)
    low, high = found.band(np.array([0.0, 1.0]))
    np.testing.assert_allclose(scipy.stats.norm.ppf([low[0], high[0]]), found.intercept_interval(), atol=1e-9)
    expected = found.line.expected(np.array([1.0]))[0]
    assert low[1] < expected < high[1]


def test_three_members_have_a_line_without_an_interval() -> None:
    found = jackknifed_line(Counts(CLEAN.right[:3], 1000), Counts(SHIFTED.right[:3], 500))
    assert np.isfinite([found.line.intercept, found.line.slope]).all()
    assert np.isnan([*found.intercept_interval(), *found.slope_interval()]).all()


def test_members_that_are_equal_but_one_have_a_line_without_an_interval() -> None:
    found = jackknifed_line(Counts(np.array([5, 5, 5, 5, 9]), 10), Counts(np.array([1, 2, 3, 4, 5]), 10))
    assert np.isfinite(found.line.slope)
    assert np.isnan(found.slope_interval()).all()


def test_the_interval_of_the_slope_covers_the_truth_of_simulated_members() -> None:
    """150 studies of 12 members whose probits are on a line plus noise; nominally 95 % are covered."""
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(150):
        probits = generator.normal(0.8, 0.4, 12)
        on_shifted = -0.6 + 0.9 * probits + generator.normal(0, 0.1, 12)
        clean, shifted = (
            Counts(generator.binomial(20_000, scipy.stats.norm.cdf(values)), 20_000) for values in (probits, on_shifted)
        )
        low, high = jackknifed_line(clean, shifted).slope_interval()
        covered += low <= 0.9 <= high
    assert 0.9 <= covered / 150 <= 0.99
