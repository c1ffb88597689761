"""Do two measures differ in their effects? Differences of effects, with intervals of their own.

Two effects from the same members and images share much of their chance, so whether their intervals overlap does not
answer this. Their difference is computed without each member and without each group of images, like the effects.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtr

from scripts.lib.statistics.effects import Estimates, in_families
from scripts.lib.statistics.jackknife import interval_of, standard_error, standard_error_of_both

STATISTICS = ("difference", "low", "high", "p_value")
SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "outcome": pl.String,
    "consensus": pl.String,
    "measure": pl.String,
    "other": pl.String,
    **dict.fromkeys(STATISTICS, pl.Float64),
    "q_value": pl.Float64,
}


def differences_of(found: Iterable[Estimates]) -> pl.DataFrame:
    """One row for each dataset, outcome, consensus and two measures that compare the same members.

    `difference` is the effect of `measure` less that of `other`, per standard deviation of each. Interval (95 %) and
    p-value (two-sided) are those of Student's t, where members and images vary; only members, if the images were not
    divided into groups. `q_value` is after Benjamini & Hochberg 1995 over all rows of one outcome. Undefined values
    are null.
    """
    return in_families((table for each in found for table in _tables(each)), SCHEMA)


def _tables(found: Estimates) -> Iterable[pl.DataFrame]:
    for first, second in combinations(range(len(found.measures)), 2):
        per_sd, images = (values[:, first] - values[:, second] for values in (found.per_sd, found.without_images))
        error = standard_error_of_both(per_sd[1:], images) if len(images) else standard_error(per_sd[1:])
        columns = (per_sd[0], *interval_of(per_sd[0], *error), _p_values(per_sd[0], *error))
        count = len(found.consensus)
        labels = {
            "dataset": [found.dataset] * count,
            "outcome": [found.outcome] * count,
            "consensus": found.consensus,
            "measure": [found.measures[first]] * count,
            "other": [found.measures[second]] * count,
            "q_value": [None] * count,
        }
        yield pl.DataFrame(labels | dict(zip(STATISTICS, columns, strict=True)))


def _p_values(difference: np.ndarray, error: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Two-sided; NaN without an error."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(error > 0, np.abs(difference) / error, np.nan)
    return np.asarray(2 * stdtr(np.where(freedom > 0, freedom, np.nan), -t))
