"""How diversity goes with the quality of ensembles, adjusted for their members' quality: the primary analysis.

Ensembles are compared with others of the same size, and with what the quality of their members says held fixed: the
means over all pairs of members of the controls (`semi_partial.controls_of`). The quality of an ensemble is regressed on
them and on the mean of a diversity over its pairs. There are two outcomes:

- `accuracy` of the ensemble, in percentage points; the controls are three functions of the members' accuracies and
  three of their mean confidence. Where the mean member accuracy is held fixed, it makes no difference whether the
  accuracy of the ensemble or its improvement over the mean member is explained.
- `nll`: by how much smaller, so better, the negative log-likelihood of the averaged probabilities is, in nats. The
  controls are three functions of the members' NLL and three of their mean confidence.

Confidence is held fixed because confident members weigh more in an average, and because the Jensen-Shannon divergence
follows it: without it, a divergence that says nothing but how confident members are would pass for an effect.

The diversity is measured on one half of the samples, and all accuracies and scores on the other (`split_evidence` says
why). Estimates are the mean of this and of the same with the halves exchanged; p and intervals are those of the mean.

- `partial` is the correlation of outcome and diversity with the controls held fixed. `per_sd` is the difference
  in the outcome that goes with one standard deviation of what the controls leave of the diversity. Positive is better.
- The intervals leave out one member, with all of its ensembles, at a time (`jackknife`): they are about other members.
  Those over images leave out one of ten groups of images at a time: they are about other images. `both_low` and
  `both_high` are about other members and other images.
- p is that of a double semi-partial permutation (`semi_partial`), which leaves the relation of diversity to the
  members' quality as it is. docs/statistics.md says how often p and interval are wrong in simulated studies.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.statistics.adjusted import adjusted
from scripts.lib.statistics.by_size import by_size
from scripts.lib.statistics.coefficients import false_discovery
from scripts.lib.statistics.jackknife import interval, interval_of, interval_on_fisher_z, standard_error_of_both
from scripts.lib.statistics.permutations import permutation_p_values, random_orders
from scripts.lib.statistics.scatter import scatter_of
from scripts.lib.statistics.semi_partial import CONTROLS, affordable, controls_of, permuted_partial, residuals
from scripts.lib.statistics.split_evidence import Outcome, SplitEvidence, SplitGroup, groups_of

# Of the pairs that are left without one member, so many numbers must be left by the controls and a mean. With six
# controls, this takes six members, because five have ten pairs.
FEWEST_LEFT_OF_PAIRS = 3

OVER_IMAGES = ("images_low", "images_high", "both_low", "both_high")
STATISTICS = ("partial", "low", "high", "per_sd", "per_sd_low", "per_sd_high", *OVER_IMAGES, "p_value")
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


@dataclass(frozen=True, eq=False)
class Estimates:
    """Effects of A measures that compare the same members, on one outcome of ensembles by K ways of consensus.

    `partial` and `per_sd` [1 + M, A, K] are of all members (index 0) and without member m (index 1 + m), and
    `without_images` [G, A, K] are `per_sd` without each group of images. `p_values` [A, K]. NaN where undefined.
    """

    dataset: str
    outcome: str
    measures: list[str]
    consensus: list[str]
    ensembles: int
    partial: np.ndarray
    per_sd: np.ndarray
    without_images: np.ndarray
    p_values: np.ndarray


def effects_table(
    datasets: Iterable[tuple[str, SplitEvidence]], chosen: np.ndarray, permutations: int, seed: int
) -> pl.DataFrame:
    """The table of `effects_of` what is estimated for the ensembles `chosen`, bool [E, M]; see `estimates`."""
    return effects_of(estimates(datasets, chosen, permutations, seed))


def effects_of(found: Iterable[Estimates]) -> pl.DataFrame:
    """One row for each dataset, outcome, measure and consensus.

    `members` is the number of members that the measure compares. Undefined values are null: with too few members, where
    there is no ensemble, where a pair has no value, or where the controls leave nothing of diversity or outcome.
    `q_value` is `p_value` after Benjamini & Hochberg 1995 over all rows of one outcome.
    """
    return in_families(map(_table, found), SCHEMA)


def estimates(
    datasets: Iterable[tuple[str, SplitEvidence]], chosen: np.ndarray, permutations: int, seed: int
) -> Iterator[Estimates]:
    """Effects on all outcomes of each dataset, over ensembles of all sizes from two members on.

    `chosen` bool [E, M] are the ensembles whose outcomes the evidence has.
    """
    ensembles, rows = by_size(chosen)
    for dataset, evidence in datasets:
        fewer = [] if evidence.without_images is None else evidence.without_images.groups()
        for number, group in enumerate(groups_of(evidence, ensembles, rows)):
            for place, outcome in enumerate(group.questions()):
                replicates = [(groups[number], groups[number].questions()[place]) for groups in fewer]
                yield _of_outcome(dataset, group, outcome, replicates, permutations, seed)


def in_families(tables: Iterable[pl.DataFrame], schema: dict[str, Any]) -> pl.DataFrame:
    """All rows, with the columns of `schema`, null for NaN, and a `q_value` over all rows of one outcome."""
    parts = [table.select(*schema).cast(pl.Schema(schema)) for table in tables]
    table = pl.concat([pl.DataFrame(schema=schema), *parts]).with_columns(pl.selectors.float().fill_nan(None))
    families = [_with_q_values(family) for _, family in table.group_by("outcome", maintain_order=True)]
    return pl.concat([pl.DataFrame(schema=schema), *families])


def _with_q_values(family: pl.DataFrame) -> pl.DataFrame:
    """The table with `q_value` computed from `p_value` over all of its rows."""
    return family.with_columns(q_value=pl.Series(false_discovery(family["p_value"].to_numpy())).fill_nan(None))


def has_enough_members(members: int, controls: int) -> bool:
    """Whether the controls leave enough of the values of pairs, also without one member."""
    return (members - 1) * (members - 2) // 2 - controls - 1 >= FEWEST_LEFT_OF_PAIRS


def _of_outcome(
    dataset: str,
    group: SplitGroup,
    outcome: Outcome,
    replicates: Sequence[tuple[SplitGroup, Outcome]],
    permutations: int,
    seed: int,
) -> Estimates:
    """Effects on one outcome of measures that compare the same members; `replicates` are without some images."""
    properties, members = outcome.held_fixed.shape[1:]
    shape = (len(group.diversities), len(outcome.values))
    partial, per_sd, without_images, p_values = (
        np.full((rows, *shape), np.nan) for rows in (1 + members, 1 + members, len(replicates), 1)
    )
    if has_enough_members(members, CONTROLS * properties) and len(group.ensembles.chosen):
        partial, per_sd = _estimate(group, outcome)
        orders = random_orders(members, affordable(permutations, members), seed)
        permuted = np.mean([_permuted(group, outcome, half, orders) for half in (0, 1)], axis=0)
        p_values = permutation_p_values(partial[0], permuted)[None]
        for place, (few, same) in enumerate(replicates):
            without_images[place] = _estimate(few, same)[1][0]
    names, count = (list(group.diversities), list(outcome.values)), len(group.ensembles.chosen)
    return Estimates(dataset, outcome.name, *names, count, partial, per_sd, without_images, p_values[0])


def _estimate(group: SplitGroup, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Partial correlations and differences per standard deviation, [1 + M, A, K], of all ensembles and without each
    member: the mean of both ways to use the halves."""
    partial, per_sd = np.mean([_of_halves(group, outcome, half) for half in (0, 1)], axis=0)
    return partial, per_sd


def _table(found: Estimates) -> pl.DataFrame:
    """One row per measure and consensus."""
    count = len(found.measures) * len(found.consensus)
    labels = {
        "dataset": [found.dataset] * count,
        "outcome": [found.outcome] * count,
        "consensus": found.consensus * len(found.measures),
        "measure": np.repeat(found.measures, len(found.consensus)),
        "members": [len(found.per_sd) - 1] * count,
        "ensembles": [found.ensembles] * count,
        "q_value": [None] * count,
    }
    return pl.DataFrame(labels | {name: values.ravel() for name, values in _statistics(found).items()})


def _statistics(found: Estimates) -> dict[str, np.ndarray]:
    """All numerical columns [A, K] but the q-values."""
    per_sd, without = found.per_sd[0], found.per_sd[1:]
    limits = (
        interval_on_fisher_z(found.partial[0], found.partial[1:]),
        interval(per_sd, without),
        interval(per_sd, found.without_images),
        interval_of(per_sd, *standard_error_of_both(without, found.without_images)),
    )
    (low, high), *of_per_sd = limits
    ends = [end for each in of_per_sd for end in each]
    return dict(zip(STATISTICS, (found.partial[0], low, high, per_sd, *ends, found.p_values), strict=True))


def _of_halves(group: SplitGroup, outcome: Outcome, half: int) -> tuple[np.ndarray, np.ndarray]:
    """As `_estimate`: the diversity from this half of the samples, the rest from the other."""
    matrices, controls, y = _columns(group, outcome, half)
    found = adjusted(scatter_of(group.ensembles, np.concatenate([controls, matrices]), y), len(controls))
    of_measures, of_outcomes = slice(len(matrices)), slice(len(matrices), None)
    partial = found.partial(of_measures, of_outcomes)
    return partial, partial * found.deviations(of_outcomes)[:, None]


def _permuted(group: SplitGroup, outcome: Outcome, half: int, orders: np.ndarray) -> np.ndarray:
    """The partial correlations of permuted members, [A, R, K], with the diversity from this half."""
    matrices, controls, y = _columns(group, outcome, half)
    left = np.stack([residuals(matrix, controls) for matrix in matrices])
    return permuted_partial(left, controls, y, group.ensembles, orders)


def _columns(group: SplitGroup, outcome: Outcome, half: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices [A, M, M] of the measures on this half, and controls [n, M, M] and outcomes [K, E] on the other."""
    matrices = np.stack([values[half] for values in group.diversities.values()])
    y = np.stack([values[1 - half] for values in outcome.values.values()])
    return matrices, controls_of(outcome.held_fixed[1 - half]), y
