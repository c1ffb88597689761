"""Intervals from leaving out one member, with all of its ensembles, or one group of images at a time."""

import numpy as np
from scipy.special import stdtrit

from scripts.lib.ensembles.sums import BLOCK_ENSEMBLES
from scripts.lib.statistics.coefficients import FEWEST_ENSEMBLES, ROUNDING, pearson, smallest_length

# Where less than this share of the spread is left without a member, the difference of two sums has lost digits.
LEAST_SHARE = 1e-3


def jackknife_interval(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval [A, K] of the correlation of `x` [A, E] and `y` [K, E] (Efron & Tibshirani 1993, chapter 11).

    `chosen` is bool [E, M]. Computed on Fisher's z and Student's t with M - 1 degrees of freedom. NaN where leaving out
    some member leaves no correlation to compute.
    """
    return interval_on_fisher_z(*_correlations(x, y, chosen))


def interval_on_fisher_z(whole: np.ndarray, without: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of correlations `whole` [...], given those `without` each member [M, ...].

    Fisher's z makes their distribution symmetric. NaN where a correlation is missing, or is 1 or -1.
    """
    low, high = interval(fisher(whole), fisher(without))
    return np.tanh(low), np.tanh(high)


def interval(whole: np.ndarray, without: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of any statistic `whole` [...], given its values `without` each of n parts [n, ...].

    The parts are members or groups of images. Student's t with n - 1 degrees of freedom. NaN where a value is missing.
    """
    error, freedom = standard_error(without)
    return interval_of(whole, error, freedom)


def interval_of(whole: np.ndarray, error: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of `whole`, given its standard error and the degrees of freedom of Student's t."""
    half = stdtrit(np.where(freedom > 0, freedom, np.nan), 0.975) * error
    return whole - half, whole + half


def standard_error(without: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error [...] of a statistic, given its values `without` each of n parts [n, ...], and the degrees of
    freedom. The parts are members, or groups of images of equal size."""
    parts = len(without)
    if not parts:
        return np.full(without.shape[1:], np.nan), np.zeros(without.shape[1:])
    squares = ((without - without.mean(0)) ** 2).sum(0)
    return np.sqrt((parts - 1) / parts * squares), np.full(without.shape[1:], parts - 1.0)


def standard_error_of_both(of_members: np.ndarray, of_images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard error [...] where members and images vary, and its degrees of freedom (Welch & Satterthwaite).

    Given the values without each member [M, ...] and without each group of images [G, ...]. The variances are added;
    the sampling error that differs from member to member is in both, so the sum is rather too large.
    """
    (first, first_freedom), (second, second_freedom) = standard_error(of_members), standard_error(of_images)
    variance = first**2 + second**2
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = variance**2 / (first**4 / first_freedom + second**4 / second_freedom)
    return np.sqrt(variance), np.where(variance > 0, freedom, np.maximum(first_freedom, second_freedom))


def fisher(correlation: np.ndarray) -> np.ndarray:
    """Fisher's z; NaN for a perfect correlation, where it is infinite."""
    return np.arctanh(np.where(np.abs(correlation) < 1 - ROUNDING, correlation, np.nan))


def _correlations(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations over all ensembles [A, K], and over those without each member [M, A, K].

    One pass adds up values, squares and products over the ensembles of each member; what is left without the member is
    the difference from the sums over all. Values are centred first, so that little is lost in the differences; where
    too much is, the ensembles without the member are looked at themselves.
    """
    count, counts = x.shape[1], chosen.sum(0)
    if count < FEWEST_ENSEMBLES:
        return np.full((len(x), len(y)), np.nan), np.full((len(counts), len(x), len(y)), np.nan)
    total, inside = _sums(x, y, chosen)
    whole, spread = _of_sums(total, np.array([count]), len(x), len(y))
    without, left = _of_sums(total - inside, count - counts, len(x), len(y))
    smallest = np.concatenate([smallest_length(x), smallest_length(y)])[:, 0]
    varies = spread[0] > smallest**2
    lost = varies & (left < np.maximum(LEAST_SHARE * spread, (smallest / LEAST_SHARE) ** 2))
    for member in np.flatnonzero(lost.any(1)):
        outside = ~chosen[:, member]
        without[member] = pearson(x[:, outside], y[:, outside])
    without[count - counts < FEWEST_ENSEMBLES] = np.nan
    defined = varies[: len(x), None] & varies[len(x) :]
    return np.where(defined, whole[0], np.nan), np.where(defined, without, np.nan)


def _sums(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of centred values, squares, and products of x and y: of all ensembles [1, J] and of each member [M, J].

    The J columns are x [A], y [K], x² [A], y² [K] and x y [A × K].
    """
    means_x, means_y = x.mean(1, keepdims=True), y.mean(1, keepdims=True)
    total, inside = [], []
    for start in range(0, x.shape[1], BLOCK_ENSEMBLES):
        block = slice(start, start + BLOCK_ENSEMBLES)
        of_x, of_y = x[:, block] - means_x, y[:, block] - means_y
        products = (of_x[:, None] * of_y).reshape(-1, of_x.shape[1])
        terms = np.concatenate([of_x, of_y, of_x**2, of_y**2, products])
        total.append(terms.sum(1))
        inside.append(chosen[block].T.astype(np.float64) @ terms.T)
    return np.sum(total, axis=0)[None], np.sum(inside, axis=0)


def _of_sums(sums: np.ndarray, counts: np.ndarray, count_x: int, count_y: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlations [n, A, K] and sums of squared deviations [n, A + K], from sums [n, J] of `counts` [n] ensembles."""
    both = count_x + count_y
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, :both] / counts[:, None]
        spread = sums[:, both : 2 * both] - counts[:, None] * means**2
        product = sums[:, 2 * both :].reshape(-1, count_x, count_y)
        product = product - counts[:, None, None] * means[:, :count_x, None] * means[:, None, count_x:]
        scale = np.sqrt(spread[:, :count_x, None] * spread[:, None, count_x:])
        return np.clip(product / scale, -1, 1), spread
