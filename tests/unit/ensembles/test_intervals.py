"""Wilson's interval: against scipy, bit by bit."""

import numpy as np
import pytest
from scipy.stats import binomtest

from scripts.lib.ensembles.intervals import wilson_interval


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
