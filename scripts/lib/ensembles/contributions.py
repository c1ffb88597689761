"""How much each member contributes to the ensemble of all members."""

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np
import polars as pl

from scripts.lib.ensembles.sizes import MOST_ENSEMBLES

Count = Callable[[np.ndarray], np.ndarray]


def contributions(
    members: Sequence[str], count: Count, samples: int, classes: int, most: int = MOST_ENSEMBLES
) -> pl.DataFrame:
    """One row per member, in percentage points of accuracy.

    `leave_one_out` is what the ensemble of all members loses without the member. `shapley` is the Shapley value
    (Shapley 1953): what the member adds on average, over all orders in which members can join. The empty ensemble has
    the accuracy of chance, 1 / classes, so the values sum to the accuracy of all members minus chance. Null if there
    are more than `most` ensembles, as for more than 20 members, because then not all are evaluated. `count` takes
    ensembles, bool [E, M], and returns how many of the `samples` each classifies correctly.
    """
    number = len(members)
    if 2**number - 1 <= most:
        right = np.concatenate([[samples / classes], count(all_subsets(number))])
        leave_one_out = right[-1] - right[(1 << number) - 1 - (1 << np.arange(number))]
        shapley = shapley_values(right)
    else:
        everyone = np.ones((1, number), bool)
        right = count(np.concatenate([everyone, ~np.eye(number, dtype=bool)]))
        leave_one_out, shapley = right[0] - right[1:], np.full(number, np.nan)
    columns = {"leave_one_out": 100 * leave_one_out / samples, "shapley": 100 * shapley / samples}
    table = pl.DataFrame({"position": pl.Series(range(number), dtype=pl.UInt16), "member": list(members), **columns})
    return table.with_columns(pl.col("shapley").fill_nan(None))


def all_subsets(members: int) -> np.ndarray:
    """All subsets except the empty one, bool [2^M - 1, M]; the members in row r are the set bits of r + 1."""
    chosen = np.empty(((1 << members) - 1, members), bool)
    numbers = np.arange(1, 1 << members, dtype=np.uint32)
    for member in range(members):
        chosen[:, member] = numbers >> member & 1
    return chosen


def shapley_values(values: np.ndarray) -> np.ndarray:
    """Shapley values float64 [M] of a game; `values` [2^M] has one value per subset, numbered by its bits."""
    members = len(values).bit_length() - 1
    weights = [factorial(size) * factorial(members - 1 - size) / factorial(members) for size in range(members)]
    weight = np.array(weights)[np.bitwise_count(np.arange(len(values) // 2))]  # of the subsets of all but one member
    found = np.empty(members)
    for member in range(members):
        without, with_member = np.moveaxis(values.reshape(-1, 2, 1 << member), 1, 0)
        found[member] = weight @ (with_member - without).ravel()
    return found
