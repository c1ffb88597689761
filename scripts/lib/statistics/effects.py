"""How diversity goes with the accuracy of ensembles, adjusted for their members' accuracies: the primary analysis.

Ensembles are compared with others of the same size, and with what the accuracies of their members say held fixed: the
means over all pairs of members of four controls (`semi_partial.control_matrices`). The accuracy of an ensemble is
regressed on them and on the mean of a diversity over its pairs. Where the mean member accuracy is held fixed, it makes
no difference whether the accuracy of the ensemble or its improvement over the mean member is explained.

The diversity is measured on one half of the samples, and all accuracies on the other (`split_evidence` says why).
Estimates are the mean of this and of the same with the halves exchanged; p and intervals are those of the mean.

- `partial` is the correlation of accuracy and diversity with the controls held fixed. `points_per_sd` is the difference
  in accuracy, in percentage points, that goes with one standard deviation of what the controls leave of the diversity.
- The intervals leave out one member, with all of its ensembles, at a time (`jackknife`).
- p is that of a double semi-partial permutation (`semi_partial`), which leaves the relation of diversity to accuracy as
  it is. docs/architecture.md, section Statistics, says how often p and interval are wrong in simulated studies.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.tables import mean_pairwise
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import ROUNDING, false_discovery, smallest_length
from scripts.lib.statistics.jackknife import interval, interval_on_fisher_z
from scripts.lib.statistics.permutations import permutation_p_values, random_orders
from scripts.lib.statistics.semi_partial import (
    affordable,
    control_matrices,
    permuted_partial,
    pseudo_inverse,
    residuals,
)
from scripts.lib.statistics.split_evidence import SplitEvidence, SplitGroup, groups_of

OUTCOME = "accuracy"
CONTROLS = 4
# The interval leaves one out, and five members have ten pairs, of which four controls and a mean leave five numbers.
FEWEST_MEMBERS = 6
# With fewer, what is left of diversity and accuracy would lie on a line, and the partial correlation would be 1 or -1.
FEWEST_LEFT = 2

STATISTICS = ("partial", "low", "high", "points_per_sd", "points_low", "points_high", "p_value")
SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "consensus": pl.String,
    "measure": pl.String,
    "outcome": pl.String,
    "members": pl.UInt16,
    "ensembles": pl.Int64,
    **dict.fromkeys(STATISTICS, pl.Float64),
    "q_value": pl.Float64,
}


def effects_table(
    datasets: Iterable[tuple[str, SplitEvidence]], chosen: np.ndarray, permutations: int, seed: int
) -> pl.DataFrame:
    """One row for each dataset, measure and consensus, over ensembles of all sizes from two members on.

    `chosen` bool [E, M] are the ensembles whose outcomes the evidence has. `members` is the number of members that the
    measure compares. Undefined values are null: with fewer than six members, where there is no ensemble, where a pair
    has no value, or where the controls leave nothing of diversity or accuracy. `q_value` is `p_value` after Benjamini &
    Hochberg 1995 over all rows of the table.
    """
    order = np.argsort(chosen.sum(1), kind="stable")
    rows = order[chosen.sum(1)[order] > 1]
    ensembles, tables = Ensembles(chosen[rows]), [pl.DataFrame(schema=SCHEMA)]
    for dataset, evidence in datasets:
        for group in groups_of(evidence, ensembles, rows):
            table = _of_group(group, permutations, seed).with_columns(dataset=pl.lit(dataset))
            tables.append(table.select(*SCHEMA).cast(pl.Schema(SCHEMA)))
    table = pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))
    return table.with_columns(q_value=pl.Series(false_discovery(table["p_value"].to_numpy())).fill_nan(None))


def _of_group(group: SplitGroup, permutations: int, seed: int) -> pl.DataFrame:
    """Effects of measures that compare the same members."""
    if group.accuracies.shape[1] < FEWEST_MEMBERS or not len(group.ensembles.chosen):
        return _table(
            group, {name: np.full((len(group.diversities), len(group.outcomes)), np.nan) for name in STATISTICS}
        )
    members = group.accuracies.shape[1]
    orders = random_orders(members, affordable(permutations, members), seed)
    both_ways = [_of_halves(group, half, orders) for half in (0, 1)]
    partial, points, permuted = (np.mean(values, axis=0) for values in zip(*both_ways, strict=True))
    low, high = interval_on_fisher_z(partial[0], partial[1:])
    points_low, points_high = interval(points[0], points[1:])
    found = {
        "partial": partial[0],
        "low": low,
        "high": high,
        "points_per_sd": points[0],
        "points_low": points_low,
        "points_high": points_high,
        "p_value": permutation_p_values(partial[0], permuted),
    }
    return _table(group, found)


def _table(group: SplitGroup, statistics: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """One row per measure and consensus, with the `statistics` [A, K]."""
    names, consensus = list(group.diversities), list(group.outcomes)
    count = len(names) * len(consensus)
    labels = {
        "consensus": consensus * len(names),
        "measure": np.repeat(names, len(consensus)),
        "outcome": [OUTCOME] * count,
        "members": [group.accuracies.shape[1]] * count,
        "ensembles": [len(group.ensembles.chosen)] * count,
        "q_value": [None] * count,
    }
    return pl.DataFrame(labels | {column: values.ravel() for column, values in statistics.items()})


def _of_halves(group: SplitGroup, half: int, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diversity from this half of the samples, accuracies from the other.

    Partial correlations and points per standard deviation, [1 + M, A, K], of all ensembles and without each member; and
    the partial correlations of permuted members, [A, R, K].
    """
    matrices = [values[half] for values in group.diversities.values()]
    y = np.stack([values[1 - half] for values in group.outcomes.values()])
    controls, chosen = control_matrices(group.accuracies[1 - half]), group.ensembles.chosen
    columns = np.stack([*(mean_pairwise(chosen, matrix) for matrix in (*controls, *matrices)), *y])
    left = np.stack([residuals(matrix, controls) for matrix in matrices])
    permuted = permuted_partial(left, controls, y, group.ensembles, orders)
    return *_partial(columns, len(matrices), group.ensembles), permuted


def _partial(columns: np.ndarray, measures: int, ensembles: Ensembles) -> tuple[np.ndarray, np.ndarray]:
    """Partial correlations and points per standard deviation, [1 + M, A, K]: of all ensembles, and without each member.

    `columns` [4 + A + K, E] are the controls, the diversities and the outcomes.
    """
    scatter, counts, sizes = ensembles.scatter_within_sizes(columns)
    smallest = smallest_length(columns)[:, 0] ** 2
    varies = scatter[:, range(len(columns)), range(len(columns))] > smallest
    scatter = scatter * (varies[:, :, None] & varies[:, None])  # without rounding that stands for a constant
    inverse = pseudo_inverse(scatter[:, :CONTROLS, :CONTROLS])
    across = scatter[:, :CONTROLS, CONTROLS:]
    left = scatter[:, CONTROLS:, CONTROLS:] - across.transpose(0, 2, 1) @ inverse @ across
    squares = left[:, range(left.shape[1]), range(left.shape[1])]
    before = scatter[:, range(CONTROLS, len(columns)), range(CONTROLS, len(columns))]
    squares = np.where((squares > ROUNDING * before) & (squares > smallest[CONTROLS:]), squares, np.nan)
    squares[counts - sizes - CONTROLS < FEWEST_LEFT] = np.nan
    of_x, of_y = squares[:, :measures, None], squares[:, None, measures:]
    partial = np.clip(left[:, :measures, measures:] / np.sqrt(of_x * of_y), -1, 1)
    return partial, partial * np.sqrt(of_y / np.maximum(counts, 1)[:, None, None])
