"""To choose the most diverse ensemble, or the most accurate one: which of these, on the clean set, foretells the gain?

Within ensembles of the same size, each predictor from the clean set is correlated with the gain on a shifted set:

- `accuracy`: the accuracy of the ensemble there. It is its gain over any one fixed model, up to a constant.
- `over_mean`: this less the mean accuracy of its members there. It falls with the accuracy of the members by
  arithmetic, so it says which ensembles add most to their members, not which are the best.

Predictors are every diversity (the mean over pairs, more is more diverse), the accuracy of the ensemble, and the mean
accuracy of its members. Nothing is held fixed here, unlike in `effects_from_clean`: the question is what to choose by,
not what is behind it. A predictor comes from one half of the samples, the gain from the other; estimates are the mean
of this and of the same with the halves exchanged. With all clean samples, every predictor would be better.

Correlations are signed, because one chooses what is larger: with a negative one, the more diverse ensembles gain less.
`over_accuracy` is the correlation of a predictor less that of the accuracy of the ensemble. Its interval, like those of
the correlations (on Fisher's z), is over members (delete-one jackknife) and, where groups of images were counted, over
images as well. There is no test: the intervals are about one predictor on one set each, and are not adjusted for their
number.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.statistics.by_size import by_size
from scripts.lib.statistics.effects_from_clean import Datasets
from scripts.lib.statistics.jackknife import fisher, interval_of, standard_error, standard_error_of_both
from scripts.lib.statistics.names import ENSEMBLE_ACCURACY, GAINS, MEMBER_ACCURACY
from scripts.lib.statistics.scatter import Scatter, scatter_of
from scripts.lib.statistics.split_evidence import SplitEvidence, SplitGroup, groups_of

FEWEST_MEMBERS = 6  # as for effects
FEWEST_LEFT = 3  # ensembles beyond one of each size, also without one member

STATISTICS = ("correlation", "low", "high", "over_accuracy", "over_accuracy_low", "over_accuracy_high")
SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "measured_on": pl.String,
    "consensus": pl.String,
    "gain": pl.String,
    "predictor": pl.String,
    "members": pl.UInt16,
    "ensembles": pl.Int64,
    **dict.fromkeys(STATISTICS, pl.Float64),
}


def predictors_table(read: Callable[[], Datasets], chosen: np.ndarray) -> pl.DataFrame:
    """One row for each shifted set, consensus, gain and predictor, over ensembles of all sizes from two members on.

    `read` returns the evidence of all datasets, the clean one first. `chosen` bool [E, M] are the ensembles whose
    outcomes it has. A measure that compares some members only is correlated, and held against the accuracy of the
    ensemble, over the ensembles of these members; the rows of the two accuracies are over all ensembles. Undefined
    values are null: with fewer than six members, where a pair has no value, or where predictor or gain does not vary.
    """
    datasets, (ensembles, rows), tables = read(), by_size(chosen), [pl.DataFrame(schema=SCHEMA)]
    clean, first = next(datasets)
    before = _with_member_accuracy(first)
    of_clean = list(groups_of(before, ensembles, rows))
    for dataset, evidence in datasets:
        of_shifted = groups_of(_with_predictors_of(before, evidence), ensembles, rows)
        fewer = _without_images(before, evidence)
        for number, pair in enumerate(zip(of_clean, of_shifted, strict=True)):
            for table in _tables(pair, [groups[number] for groups in fewer]):
                labelled = table.with_columns(dataset=pl.lit(dataset), measured_on=pl.lit(clean))
                tables.append(labelled.select(*SCHEMA).cast(pl.Schema(SCHEMA)))
    return pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))


Pair = tuple[SplitGroup, SplitGroup]  # on the clean and on the shifted set


def _with_member_accuracy(evidence: SplitEvidence) -> SplitEvidence:
    """With the members' mean accuracy among the diversities: the mean over pairs of the mean of two members.

    All members have it, so there is always a group of predictors over all ensembles.
    """
    accuracies = {MEMBER_ACCURACY: np.stack([_mean_of_two(of_half) for of_half in evidence.accuracies])}
    fewer = evidence.without_images
    if fewer is not None:
        fewer = replace(fewer, evidence=[_with_member_accuracy(each) for each in fewer.evidence])
    diversities = evidence.diversities | accuracies
    return replace(evidence, diversities=diversities, scores=[], without_images=fewer)


def _with_predictors_of(before: SplitEvidence, evidence: SplitEvidence) -> SplitEvidence:
    return replace(evidence, diversities=before.diversities, compared=before.compared, scores=[])


def _without_images(before: SplitEvidence, evidence: SplitEvidence) -> list[list[Pair]]:
    """All groups of predictors, without one group of images after the other."""
    first, shifted = before.without_images, evidence.without_images
    if first is None or shifted is None:
        return []
    moved = [_with_predictors_of(*pair) for pair in zip(first.evidence, shifted.evidence, strict=True)]
    both = zip(first.groups(), replace(shifted, evidence=moved).groups(), strict=True)
    return [list(zip(*groups, strict=True)) for groups in both]


def _tables(pair: Pair, fewer: list[Pair]) -> Iterator[pl.DataFrame]:
    """One table per consensus and gain."""
    _, after = pair
    members, count = after.accuracies.shape[1], len(after.ensembles.chosen)
    names = [*after.diversities, ENSEMBLE_ACCURACY]
    shown = names if MEMBER_ACCURACY in names else names[:-1]
    for consensus in after.outcomes:
        found = np.full((1 + members, len(names), len(GAINS)), np.nan)
        images = np.full((len(fewer), *found.shape[1:]), np.nan)
        if members >= FEWEST_MEMBERS and count:
            found = _correlations(pair, consensus)
            for place, few in enumerate(fewer):
                images[place] = _correlations(few, consensus)[0]
        differences = _with_interval(found - found[:, -1:], images - images[:, -1:])
        ends = [np.tanh(end) for end in _with_interval(fisher(found), fisher(images))[1:]]
        for place, gain in enumerate(GAINS):
            columns = zip(STATISTICS, (found[0], *ends, *differences), strict=True)
            values = {name: of[: len(shown), place] for name, of in columns}
            table = pl.DataFrame({"predictor": shown} | values)
            yield table.with_columns(
                consensus=pl.lit(consensus), gain=pl.lit(gain), members=pl.lit(members), ensembles=pl.lit(count)
            )


def _with_interval(found: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`found` [1 + M, ...] of all members, and its 95 % interval; a difference of a thing to itself has none."""
    error, freedom = standard_error_of_both(found[1:], images) if len(images) else standard_error(found[1:])
    low, high = interval_of(found[0], np.where(error > 0, error, np.nan), freedom)
    return found[0], low, high


def _correlations(pair: Pair, consensus: str) -> np.ndarray:
    """Correlations [1 + M, P, G] of predictors and gains, of all ensembles and without each member."""
    return np.asarray(np.mean([_of_halves(*pair, consensus, half) for half in (0, 1)], axis=0))


def _of_halves(before: SplitGroup, after: SplitGroup, consensus: str, half: int) -> np.ndarray:
    """As `_correlations`: predictors from this half of the samples, gains from the other."""
    matrices = [*(values[half] for values in before.diversities.values()), _mean_of_two(after.accuracies[1 - half])]
    outcomes = np.stack([before.outcomes[consensus][half], after.outcomes[consensus][1 - half]])
    predictors = [*range(len(matrices) - 1), len(matrices)]  # the last is the accuracy of the ensemble
    columns = np.zeros((len(predictors) + len(GAINS), len(matrices) + len(outcomes)))
    columns[range(len(predictors)), predictors] = 1
    columns[-len(GAINS) :, -1] = 1
    columns[-1, len(matrices) - 1] = -1
    return _correlated(scatter_of(after.ensembles, np.stack(matrices), outcomes), columns)


def _mean_of_two(accuracies: np.ndarray) -> np.ndarray:
    """[M, M]; the mean over the pairs of an ensemble is the mean over its members."""
    return np.asarray((accuracies[:, None] + accuracies) / 2)


def _correlated(scatter: Scatter, columns: np.ndarray) -> np.ndarray:
    """Correlations [1 + M, P, G] of the combinations `columns` [P + G, n] of the scatter's columns, within sizes."""
    predictors, gains = slice(-len(GAINS)), slice(-len(GAINS), None)
    # Zero times NaN is NaN: only what a combination takes part in may make it undefined.
    defined = np.isfinite(scatter.smallest)
    known = np.where(defined[:, None] & defined, scatter.within, 0)
    products = columns @ known @ columns.T
    squares = products.diagonal(axis1=1, axis2=2)
    smallest = np.abs(columns) @ np.where(defined, scatter.smallest, 0)
    varies = (squares > smallest**2) & ((columns != 0) @ ~defined == 0)
    enough = scatter.numbers - scatter.sizes >= FEWEST_LEFT
    length = np.sqrt(np.where(varies & enough[:, None], squares, np.nan))
    scale = length[:, predictors, None] * length[:, None, gains]
    return np.clip(products[:, predictors, gains] / scale, -1, 1)
