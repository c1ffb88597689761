"""95 % intervals over samples: of an accuracy, and of the difference of two accuracies on the same samples."""

import numpy as np

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution
BISECTIONS = 60  # halve an interval of length 2 to less than rounding


def wilson_interval(right: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end, float64 [K] in percent, of the 95 % Wilson interval (Wilson 1927; Newcombe 1998, method 3).

    `right` int64 [K] is how many of the `samples` are classified correctly. The same numbers, to the last bit, as
    `scipy.stats.binomtest(…).proportion_ci(method="wilson")`; importing that takes a job a second.
    """
    share, scale = right / samples, 2 * (samples + Z**2)
    centre = (2 * samples * share + Z**2) / scale
    half = Z / scale * np.sqrt(4 * samples * share * (1 - share) + Z**2)
    return 100 * np.where(right == 0, 0, centre - half), 100 * np.where(right == samples, 1, centre + half)


def paired_interval(only_first: np.ndarray, only_second: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end, float64 [K] in percentage points, of the 95 % score interval of Tango 1998.

    Of the difference of two accuracies on the same samples, the first minus the second. `only_first` and `only_second`
    int64 [K] count the samples that only one of the two classifies correctly. It has a width also where there is no
    such sample, and stays between -100 and 100.
    """
    observed = (only_first - only_second) / samples
    ends = []
    for limit in (-1.0, 1.0):
        inside, outside = observed.astype(np.float64), np.full(observed.shape, limit)
        for _ in range(BISECTIONS):
            middle = (inside + outside) / 2
            fits = _score_squared_fits(middle, only_first, only_second, samples)
            inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
        ends.append(100 * inside)
    return ends[0], ends[1]


def _score_squared_fits(
    difference: np.ndarray, only_first: np.ndarray, only_second: np.ndarray, samples: int
) -> np.ndarray:
    """Whether the score test at 5 % does not reject a `difference` of the two probabilities, bool [K].

    The variance is that of the most likely probabilities with this difference; `second` is the probability that only
    the second is correct.
    """
    linear = (2 * samples - only_first + only_second) * difference - only_first - only_second
    constant = -only_second * difference * (1 - difference)
    second = (np.sqrt(np.maximum(linear**2 - 8 * samples * constant, 0)) - linear) / (4 * samples)
    variance = samples * (2 * second + difference * (1 - difference))
    distance = only_first - only_second - samples * difference
    fits: np.ndarray = distance**2 <= Z**2 * variance
    return fits
