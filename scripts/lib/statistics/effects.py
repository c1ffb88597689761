"""How diversity goes with the quality of ensembles, adjusted for their members' quality: the primary analysis.

Ensembles are compared with others of the same size, and with what the quality of their members says held fixed: the
means over all pairs of members of the controls (`semi_partial.controls_of`). The quality of an ensemble is regressed on
them and on the mean of a diversity over its pairs. There are two outcomes:

- `accuracy` of the ensemble, in percentage points; the controls are four functions of the members' accuracies. Where
  the mean member accuracy is held fixed, it makes no difference whether the accuracy of the ensemble or its improvement
  over the mean member is explained.
- `nll`: by how much smaller, so better, the negative log-likelihood of the averaged probabilities is, in nats. The
  controls are four functions of the members' NLL, and the four of their accuracies: members of the same accuracy can
  have any NLL, and with only one of both held fixed, what the other one explains would pass for an effect.

The diversity is measured on one half of the samples, and all accuracies and scores on the other (`split_evidence` says
why). Estimates are the mean of this and of the same with the halves exchanged; p and intervals are those of the mean.

- `partial` is the correlation of outcome and diversity with the controls held fixed. `per_sd` is the difference
  in the outcome that goes with one standard deviation of what the controls leave of the diversity. Positive is better.
- The intervals leave out one member, with all of its ensembles, at a time (`jackknife`).
- p is that of a double semi-partial permutation (`semi_partial`), which leaves the relation of diversity to the
  members' quality as it is. docs/statistics.md says how often p and interval are wrong in simulated studies.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.statistics.adjusted import adjusted
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import false_discovery
from scripts.lib.statistics.jackknife import interval, interval_on_fisher_z
from scripts.lib.statistics.permutations import permutation_p_values, random_orders
from scripts.lib.statistics.scatter import scatter_of
from scripts.lib.statistics.semi_partial import CONTROLS, affordable, controls_of, permuted_partial, residuals
from scripts.lib.statistics.split_evidence import Outcome, SplitEvidence, SplitGroup, groups_of

# Of the pairs that are left without one member, so many numbers must be left by the controls and a mean: for accuracy,
# this takes six members, because five have ten pairs; for scores, which have twice as many controls, seven.
FEWEST_LEFT_OF_PAIRS = 5

STATISTICS = ("partial", "low", "high", "per_sd", "per_sd_low", "per_sd_high", "p_value")
SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "outcome": pl.String,
    "consensus": pl.String,
    "measure": pl.String,
    "members": pl.UInt16,
    "ensembles": pl.Int64,
    **dict.fromkeys(STATISTICS, pl.Float64),
    "q_value": pl.Float64,
}


def effects_table(
    datasets: Iterable[tuple[str, SplitEvidence]], chosen: np.ndarray, permutations: int, seed: int
) -> pl.DataFrame:
    """One row for each dataset, outcome, measure and consensus, over ensembles of all sizes from two members on.

    `chosen` bool [E, M] are the ensembles whose outcomes the evidence has. `members` is the number of members that the
    measure compares. Undefined values are null: with too few members, where there is no ensemble, where a pair has no
    value, or where the controls leave nothing of diversity or outcome. `q_value` is `p_value` after Benjamini &
    Hochberg 1995 over all rows of one outcome.
    """
    order = np.argsort(chosen.sum(1), kind="stable")
    rows = order[chosen.sum(1)[order] > 1]
    ensembles, tables = Ensembles(chosen[rows]), [pl.DataFrame(schema=SCHEMA)]
    for dataset, evidence in datasets:
        for group in groups_of(evidence, ensembles, rows):
            for outcome in group.questions():
                table = _of_outcome(group, outcome, permutations, seed).with_columns(dataset=pl.lit(dataset))
                tables.append(table.select(*SCHEMA).cast(pl.Schema(SCHEMA)))
    table = pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))
    families = [with_q_values(family) for _, family in table.group_by("outcome", maintain_order=True)]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *families])


def with_q_values(family: pl.DataFrame) -> pl.DataFrame:
    """The table with `q_value` computed from `p_value` over all of its rows."""
    return family.with_columns(q_value=pl.Series(false_discovery(family["p_value"].to_numpy())).fill_nan(None))


def has_enough_members(members: int, controls: int) -> bool:
    """Whether the controls leave enough of the values of pairs, also without one member."""
    return (members - 1) * (members - 2) // 2 - controls - 1 >= FEWEST_LEFT_OF_PAIRS


def _of_outcome(group: SplitGroup, outcome: Outcome, permutations: int, seed: int) -> pl.DataFrame:
    """Effects on one outcome of measures that compare the same members."""
    properties, members = outcome.held_fixed.shape[1:]
    if not has_enough_members(members, CONTROLS * properties) or not len(group.ensembles.chosen):
        nothing = np.full((len(group.diversities), len(outcome.values)), np.nan)
        return _table(group, outcome, dict.fromkeys(STATISTICS, nothing))
    orders = random_orders(members, affordable(permutations, members), seed)
    both_ways = [_of_halves(group, outcome, half, orders) for half in (0, 1)]
    partial, per_sd, permuted = (np.mean(values, axis=0) for values in zip(*both_ways, strict=True))
    low, high = interval_on_fisher_z(partial[0], partial[1:])
    per_sd_low, per_sd_high = interval(per_sd[0], per_sd[1:])
    found = {
        "partial": partial[0],
        "low": low,
        "high": high,
        "per_sd": per_sd[0],
        "per_sd_low": per_sd_low,
        "per_sd_high": per_sd_high,
        "p_value": permutation_p_values(partial[0], permuted),
    }
    return _table(group, outcome, found)


def _table(group: SplitGroup, outcome: Outcome, statistics: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """One row per measure and consensus, with the `statistics` [A, K]."""
    names, consensus = list(group.diversities), list(outcome.values)
    count = len(names) * len(consensus)
    labels = {
        "outcome": [outcome.name] * count,
        "consensus": consensus * len(names),
        "measure": np.repeat(names, len(consensus)),
        "members": [outcome.held_fixed.shape[2]] * count,
        "ensembles": [len(group.ensembles.chosen)] * count,
        "q_value": [None] * count,
    }
    return pl.DataFrame(labels | {column: values.ravel() for column, values in statistics.items()})


def _of_halves(
    group: SplitGroup, outcome: Outcome, half: int, orders: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diversity from this half of the samples, the rest from the other.

    Partial correlations and differences per standard deviation, [1 + M, A, K], of all ensembles and without each
    member; and the partial correlations of permuted members, [A, R, K].
    """
    matrices = np.stack([values[half] for values in group.diversities.values()])
    y = np.stack([values[1 - half] for values in outcome.values.values()])
    controls = controls_of(outcome.held_fixed[1 - half])
    left = np.stack([residuals(matrix, controls) for matrix in matrices])
    permuted = permuted_partial(left, controls, y, group.ensembles, orders)
    found = adjusted(scatter_of(group.ensembles, np.concatenate([controls, matrices]), y), len(controls))
    of_measures, of_outcomes = slice(len(matrices)), slice(len(matrices), None)
    partial = found.partial(of_measures, of_outcomes)
    return partial, partial * found.deviations(of_outcomes)[:, None], permuted
