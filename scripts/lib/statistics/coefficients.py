"""Coefficients of correlation between many rows at once.

A row that does not vary has no correlation (NaN), and neither has one with a NaN, nor are there any for fewer than
three ensembles.
"""

import numpy as np
import polars as pl

FEWEST_ENSEMBLES = 3
# With three ensembles the residuals of a partial correlation lie on a line: it would always be 1 or -1.
FEWEST_ENSEMBLES_PARTIAL = 4
# Values are shares, similarities, nats and percent: a smaller spread, or difference of correlations, is rounding.
ROUNDING_DIGITS = 9
ROUNDING = 10.0**-ROUNDING_DIGITS


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of every row of `x` [A, E] with every row of `y` [K, E], as [A, K]."""
    return product(standardised(x), standardised(y))


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of rows that are `standardised` already, `x` [..., A, E] and `y` [K, E], as [..., A, K]."""
    if x.shape[-1] < FEWEST_ENSEMBLES:
        return np.full((*x.shape[:-1], len(y)), np.nan)
    return np.clip(x @ y.T, -1, 1)


def standardised(rows: np.ndarray) -> np.ndarray:
    """Each row of float64 [..., E] centred and scaled to length 1; NaN where it does not vary."""
    if rows.shape[-1] == 0:
        return rows
    centred = rows - rows.mean(-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    centred /= np.where(length > smallest_length(rows), length, np.nan)
    return centred


def smallest_length(rows: np.ndarray) -> np.ndarray:
    """The length of centred rows [..., E] that rounding alone can reach, [..., 1]."""
    return smallest_length_of(rows.shape[-1], np.maximum(rows.max(-1, keepdims=True), -rows.min(-1, keepdims=True)))


def smallest_length_of(count: int, largest: np.ndarray) -> np.ndarray:
    """As `smallest_length`, of rows of so many values, given the `largest` absolute value of each."""
    return ROUNDING * np.sqrt(count) * np.maximum(1, largest)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """As `pearson`, of the ranks. Ties have their mean rank; values that differ only by rounding are tied."""
    return pearson(ranks(x), ranks(y))


def ranks(rows: np.ndarray) -> np.ndarray:
    """The ranks of the values in each row of [A, E], from 1 on; NaN for a row that has a NaN."""
    result = np.empty(rows.shape)
    for values, of_row in zip(rows, result, strict=True):  # one row at a time, because a row may have a million values
        rounded = pl.Series(np.round(values, ROUNDING_DIGITS) + 0.0)  # no rank between -0.0 and 0.0
        of_row[:] = np.nan if rounded.is_nan().any() else rounded.rank("average").to_numpy()
    return result


def partial_pearson(x: np.ndarray, y: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """As `pearson`, after removing the linear dependence of both on `fixed` [E]; NaN where nothing is left."""
    of_x, of_y, of_fixed = standardised(x), standardised(y), standardised(fixed[None])
    return partial_product(of_x, of_y, of_fixed)


def partial_product(x: np.ndarray, y: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """As `partial_pearson`, of rows that are `standardised` already; `fixed` is [1, E]."""
    if x.shape[1] < FEWEST_ENSEMBLES_PARTIAL:
        return np.full((len(x), len(y)), np.nan)
    x_fixed, y_fixed = product(x, fixed), product(y, fixed).T
    left = (1 - x_fixed**2) * (1 - y_fixed**2)
    scale = np.sqrt(np.where(left > ROUNDING, left, np.nan))
    return np.clip((product(x, y) - x_fixed * y_fixed) / scale, -1, 1)


def false_discovery(p_values: np.ndarray) -> np.ndarray:
    """q-values of one family of tests, float64 [n] (Benjamini & Hochberg 1995); tests without p (NaN) do not count."""
    q_values, tested = np.full(len(p_values), np.nan), ~np.isnan(p_values)
    order = np.flatnonzero(tested)[np.argsort(p_values[tested])]
    scaled = p_values[order] * (len(order) / np.arange(1, len(order) + 1))
    q_values[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return q_values
