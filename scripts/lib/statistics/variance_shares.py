"""How the variance of accuracy over ensembles divides among size, members' accuracies and diversities. A description.

The accuracy of an ensemble is regressed on its size (one constant per size), on the members' accuracies (the three
functions `semi_partial.control_matrices`, as one block) and on diversities. Each of these terms gets a share of the
variance: what it adds to R², averaged over all orders in which terms can enter (Lindeman, Merenda & Gold 1980, chapter
4; Grömping 2007; equal to Budescu's dominance weights and to Shapley values). The shares add up to R². `unique` is what
a term adds to R² after all others. The members' confidence, which effects hold fixed as well, is no term here.

A share describes and tests nothing: a diversity that only follows the members' accuracies has a share, too, because
in some orders it enters before them. What it says beyond them is `unique`, and, with p, its effect (`effects`).

The diversity comes from one half of the samples, all accuracies from the other, as for effects; shares are means of
this and of the same with the halves exchanged.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.contributions import shapley_values
from scripts.lib.statistics.adjusted import FEWEST_LEFT
from scripts.lib.statistics.by_size import by_size
from scripts.lib.statistics.jackknife import interval
from scripts.lib.statistics.scatter import Scatter, scatter_of
from scripts.lib.statistics.semi_partial import CONTROLS, control_matrices, pseudo_inverse
from scripts.lib.statistics.split_evidence import SplitEvidence, SplitGroup, groups_of

SIZE, ACCURACIES, UNEXPLAINED = "size", "member_accuracies", "unexplained"
FEWEST_MEMBERS = 6  # as for effects on accuracy
ALL = "all"  # the model with all measures at once
# R² is computed for every subset of the terms: with six measures and two more terms, 256.
MOST_TOGETHER = 6

STATISTICS = ("share", "low", "high", "unique", "unique_low", "unique_high")
SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "consensus": pl.String,
    "model": pl.String,
    "term": pl.String,
    "members": pl.UInt16,
    "ensembles": pl.Int64,
    **dict.fromkeys(STATISTICS, pl.Float64),
}


def variance_shares_table(datasets: Iterable[tuple[str, SplitEvidence]], chosen: np.ndarray) -> pl.DataFrame:
    """One row for each dataset, consensus, model and term, over ensembles of all sizes from two members on.

    A model has a measure's name, and the terms size, members' accuracies, this measure, and what is not explained; the
    model "all" has all measures (of those that compare the same members, and have a value for every pair), if these
    are two to six. `chosen` bool [E, M] are the ensembles whose outcomes the evidence has. All statistics are between
    0 and 1; intervals are jackknife intervals at 95 %, cut off at 0 and 1. Undefined values are null: with fewer than
    six members, where there is no ensemble or too few of them, where a pair has no value, or where all ensembles are
    equally accurate.
    """
    (ensembles, rows), tables = by_size(chosen), [pl.DataFrame(schema=SCHEMA)]
    for dataset, evidence in datasets:
        for group in groups_of(evidence, ensembles, rows):
            for table in _of_group(group):
                tables.append(table.with_columns(dataset=pl.lit(dataset)).select(*SCHEMA).cast(pl.Schema(SCHEMA)))
    return pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))


def _of_group(group: SplitGroup) -> Iterator[pl.DataFrame]:
    """The models of measures that compare the same members."""
    names, consensus = list(group.diversities), list(group.outcomes)
    known = [name for name in names if np.isfinite(_off_diagonal(group.diversities[name])).all()]
    models = {name: [name] for name in names} | ({ALL: known} if 2 <= len(known) <= MOST_TOGETHER else {})
    both_ways = _both_ways(group, known)
    for model, measures in models.items():
        terms = [SIZE, ACCURACIES, *measures, UNEXPLAINED]
        values = {name: np.full((len(terms), len(consensus)), np.nan) for name in STATISTICS}
        if both_ways and set(measures) <= set(known):
            columns = [known.index(name) for name in measures]
            values = _statistics(np.mean([_shares(scatter, columns, len(known)) for scatter in both_ways], axis=0))
        yield _table(group, model, terms, values)


def _off_diagonal(matrices: np.ndarray) -> np.ndarray:
    """The values of pairs in `matrices` [2, M, M]."""
    return matrices[:, ~np.eye(matrices.shape[1], dtype=bool)]


def _both_ways(group: SplitGroup, measures: Sequence[str]) -> list[Scatter]:
    """How controls, `measures` and outcomes vary together; index 0: diversities from the even samples.

    Empty where nothing can be said.
    """
    outcomes = np.stack(list(group.outcomes.values()))
    defined = np.isfinite(outcomes).all() and np.isfinite(group.accuracies).all()
    if group.accuracies.shape[1] < FEWEST_MEMBERS or not len(group.ensembles.chosen) or not defined:
        return []
    found = []
    for half in (0, 1):
        matrices = [*control_matrices(group.accuracies[1 - half]), *(group.diversities[m][half] for m in measures)]
        found.append(_standardised(scatter_of(group.ensembles, np.stack(matrices), outcomes[:, 1 - half])))
    return found


def _standardised(scatter: Scatter) -> Scatter:
    """With each column scaled to length 1; 0 for a column that varies by rounding only."""
    squares = (scatter.within + scatter.between).diagonal(axis1=1, axis2=2)
    varies = squares > scatter.smallest**2
    scale = np.where(varies, 1 / np.sqrt(np.where(varies, squares, 1)), 0)
    both = scale[:, :, None] * scale[:, None]
    return replace(scatter, within=scatter.within * both, between=scatter.between * both)


def _shares(scatter: Scatter, measures: Sequence[int], count: int) -> np.ndarray:
    """Shares and unique shares [2, 1 + M, T, K] of the terms: size, accuracies, some of `count` measures, the rest.

    NaN where all ensembles are equally accurate, or where too few are left for the number of columns.
    """
    terms = [[], list(range(CONTROLS)), *([CONTROLS + measure] for measure in measures)]
    outcomes = slice(CONTROLS + count, None)
    explained = np.stack([_explained(scatter, subset, terms, outcomes) for subset in range(1 << len(terms))])
    defined = (scatter.within + scatter.between).diagonal(axis1=1, axis2=2)[:, outcomes] > 0.5
    enough = scatter.numbers - scatter.sizes - CONTROLS - len(measures) >= FEWEST_LEFT
    explained = np.where(defined & enough[:, None], explained, np.nan)
    shares = np.apply_along_axis(shapley_values, 0, explained)
    without = (1 << len(terms)) - 1 - (1 << np.arange(len(terms)))
    unique = explained[-1] - explained[without]
    rest = 1 - explained[-1:]
    both = [np.concatenate([shares, rest]), np.concatenate([unique, np.full_like(rest, np.nan)])]
    return np.stack(both).transpose(0, 2, 1, 3)


def _explained(scatter: Scatter, subset: int, terms: Sequence[list[int]], outcomes: slice) -> np.ndarray:
    """R² [1 + M, K] of the terms that are the bits of `subset`; the first one is the size of the ensemble."""
    columns = [column for number, of_term in enumerate(terms) if subset >> number & 1 for column in of_term]
    sizes = scatter.between.diagonal(axis1=1, axis2=2)[:, outcomes] if subset & 1 else 0.0
    matrix = scatter.within if subset & 1 else scatter.within + scatter.between
    inverse = pseudo_inverse(matrix[:, columns][:, :, columns])
    across = matrix[:, columns, outcomes]
    return sizes + np.einsum("mck,mcd,mdk->mk", across, inverse, across)


def _statistics(shares: np.ndarray) -> dict[str, np.ndarray]:
    """All numerical columns [T, K] from shares and unique shares [2, 1 + M, T, K]."""
    found = []
    for values in shares:
        limits = interval(values[0], values[1:])
        found += [np.clip(each, 0, 1) for each in (values[0], *limits)]
    return dict(zip(STATISTICS, found, strict=True))


def _table(group: SplitGroup, model: str, terms: Sequence[str], statistics: dict[str, np.ndarray]) -> pl.DataFrame:
    """One row per consensus and term."""
    consensus = list(group.outcomes)
    count = len(terms) * len(consensus)
    labels = {
        "consensus": np.repeat(consensus, len(terms)),
        "model": [model] * count,
        "term": [*terms] * len(consensus),
        "members": [group.accuracies.shape[1]] * count,
        "ensembles": [len(group.ensembles.chosen)] * count,
    }
    return pl.DataFrame(labels | {name: values.T.ravel() for name, values in statistics.items()})
