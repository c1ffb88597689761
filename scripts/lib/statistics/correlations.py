"""Which diversity correlates with improvement, and how certain that is.

Ensembles share members, so they are not independent and an ordinary p-value or interval would be far too optimistic.
The exchangeable units are the members. Therefore
- the interval leaves out one member (and all of its ensembles) at a time: delete-one jackknife on Fisher's z;
- the p-value permutes the labels of the members (Mantel 1967): the pairwise matrix is shuffled as a whole, and every
  ensemble gets the diversity of other members. It tests "no relation at all, not even through accuracy": shuffling
  breaks the relation of diversity to accuracy too, so a small p does not say that diversity matters beyond accuracy;
- the partial correlation holds the mean member accuracy fixed: a measure that only follows accuracy explains nothing.
  It is the number to look at for an effect beyond accuracy; it has no interval and no calibrated test yet.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control, rankdata, t

from scripts.lib.ensembles.tables import mean_pairwise
from scripts.lib.jobs.randomness import derive

INTERVAL = "95 %, delete-one-member jackknife on Fisher's z"
ACCURACY = "mean_member_accuracy"
FEWEST_ENSEMBLES = 3
# With three ensembles the residuals of a partial correlation lie on a line: it would always be 1 or -1.
FEWEST_ENSEMBLES_PARTIAL = 4
# Values are shares, similarities, nats and percent: a smaller spread, or difference of correlations, is rounding.
ROUNDING_DIGITS = 9
ROUNDING = 10.0**-ROUNDING_DIGITS
BLOCK_ENSEMBLES = 1 << 15
# Moments of all pairs of pairs are worth their memory (32 MB) up to 63 members.
MOST_MOMENTS = 2000

STATISTICS = ("pearson", "spearman", "partial_pearson", "ci_low", "ci_high", "p_value")
COLUMNS = ("dataset", "consensus", "measure", "improvement", "size", *STATISTICS, "q_value", "ensembles", "interval")


@dataclass(frozen=True)
class Evidence:
    """What is correlated on one dataset.

    `ensembles` is its ensembles table, `accuracies` float64 [M] the members' accuracies in percent, and `diversities`
    has a symmetric matrix float64 [M, M] for each measure, turned so that more means more diverse. `compared` has the
    positions of the members that a measure compares, if these are not all. Such a measure is correlated only over the
    ensembles of these members, and only they are left out or permuted.
    """

    ensembles: pl.DataFrame
    accuracies: np.ndarray
    diversities: dict[str, np.ndarray]
    compared: dict[str, list[int]] = field(default_factory=dict)


def correlations_table(datasets: dict[str, Evidence], permutations: int, seed: int) -> pl.DataFrame:
    """One row for each dataset, consensus, size ("all" sizes from two members first), measure and improvement.

    Undefined values (a constant input, too few ensembles) are null. `q_value` controls the false discovery rate over
    all rows of the same size; it tests the same hypothesis as `p_value`. The result depends on `seed`, but not
    on the order of the ensembles' rows.
    """
    tables = [
        _correlations(evidence, consensus, permutations, seed).with_columns(
            dataset=pl.lit(dataset), consensus=pl.lit(consensus), interval=pl.lit(INTERVAL)
        )
        for dataset, evidence in datasets.items()
        for consensus in sorted(evidence.ensembles["consensus"].unique())
    ]
    table = pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))
    return _with_q_values(table).select(COLUMNS)


def _correlations(evidence: Evidence, consensus: str, permutations: int, seed: int) -> pl.DataFrame:
    members = len(evidence.accuracies)
    table, chosen = _in_order(evidence.ensembles.filter(consensus=consensus), members)
    everyone = tuple(range(members))
    groups: dict[tuple[int, ...], list[str]] = {everyone: []}
    for name in evidence.diversities:
        groups.setdefault(tuple(evidence.compared.get(name, everyone)), []).append(name)
    tables = []
    for positions, names in groups.items():
        inside: np.ndarray = np.delete(chosen, positions, axis=1).sum(1) == 0
        matrices = {name: evidence.diversities[name][np.ix_(positions, positions)] for name in names}
        part = Evidence(table.filter(inside), evidence.accuracies[list(positions)], matrices)
        found = _of_members(part, chosen[inside][:, positions], random_orders(len(positions), permutations, seed))
        tables.append(found if positions == everyone else found.filter(pl.col("measure") != ACCURACY))
    return pl.concat(tables)


def _of_members(evidence: Evidence, chosen: np.ndarray, orders: np.ndarray) -> pl.DataFrame:
    """Correlations of measures that all compare the same members; `chosen` bool [E, M] are the rows of `ensembles`."""
    size = chosen.sum(1)
    measures = [*evidence.diversities, ACCURACY]
    improvements = [name for name in evidence.ensembles.columns if name.startswith("improvement_")]
    diversities = [mean_pairwise(chosen, matrix) for matrix in evidence.diversities.values()]
    x = np.stack([*diversities, chosen @ evidence.accuracies / size])
    y = np.stack([evidence.ensembles[name].to_numpy() for name in improvements])
    groups = {"all": size > 1} | {str(one): size == one for one in np.unique(size[size > 1])}
    tables = []
    for name, group in groups.items():
        statistics = _statistics(x[:, group], y[:, group], chosen[group], evidence, orders)
        labels = {
            "measure": np.repeat(measures, len(improvements)),
            "improvement": [name.removeprefix("improvement_") for name in improvements] * len(measures),
            "size": [name] * statistics["pearson"].size,
            "ensembles": [int(group.sum())] * statistics["pearson"].size,
        }
        tables.append(pl.DataFrame(labels | {column: values.ravel() for column, values in statistics.items()}))
    return pl.concat(tables)


def _in_order(table: pl.DataFrame, members: int) -> tuple[pl.DataFrame, np.ndarray]:
    """The ensembles in an order that does not depend on the order of the rows, and their members, bool [E, M]."""
    chosen = np.zeros((len(table), members), dtype=bool)
    rows = np.repeat(np.arange(len(table)), table["members"].list.len())
    chosen[rows, table["members"].explode()] = True
    order = np.lexsort(chosen.T)
    return table[order], chosen[order]


def _statistics(
    x: np.ndarray, y: np.ndarray, chosen: np.ndarray, evidence: Evidence, orders: np.ndarray
) -> dict[str, np.ndarray]:
    """All numerical columns [A, K] of one group of ensembles; the last row of `x` is the mean member accuracy."""
    if len(chosen) < FEWEST_ENSEMBLES:
        return dict.fromkeys(STATISTICS, np.full((len(x), len(y)), np.nan))
    observed = pearson(x, y)
    members, accuracies = len(evidence.accuracies), evidence.accuracies[None]
    matrices = np.array(list(evidence.diversities.values())).reshape(-1, members, members)  # there may be none
    permuted = [permuted_pearson(sources, y, chosen, orders) for sources in (matrices, accuracies)]
    p_values = mantel_p_values(observed, np.concatenate(permuted))
    partial = partial_pearson(x, y, fixed=x[-1])
    values = (observed, spearman(x, y), partial, *jackknife_interval(x, y, chosen), p_values)
    return dict(zip(STATISTICS, values, strict=True))


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Correlation of every row of `x` [A, E] with every row of `y` [K, E], as [A, K].

    NaN for a row that does not vary or has a NaN, and for fewer than three ensembles.
    """
    if x.shape[1] < FEWEST_ENSEMBLES:
        return np.full((len(x), len(y)), np.nan)
    return np.clip(_standardised(x) @ _standardised(y).T, -1, 1)


def _standardised(rows: np.ndarray) -> np.ndarray:
    """Each row centred and scaled to length 1; NaN where it does not vary."""
    centred = rows - rows.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    least = ROUNDING * np.sqrt(rows.shape[1]) * np.maximum(1, np.abs(rows).max(1, keepdims=True))
    return centred / np.where(length > least, length, np.nan)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """As `pearson`, of the ranks. Ties have their mean rank; values that differ only by rounding are tied."""
    return pearson(_ranks(x), _ranks(y))


def _ranks(rows: np.ndarray) -> np.ndarray:
    return rankdata(np.round(rows, ROUNDING_DIGITS), axis=1)


def partial_pearson(x: np.ndarray, y: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """As `pearson`, after removing the linear dependence of both on `fixed` [E]; NaN where nothing is left."""
    if x.shape[1] < FEWEST_ENSEMBLES_PARTIAL:
        return np.full((len(x), len(y)), np.nan)
    x_fixed, y_fixed = pearson(x, fixed[None]), pearson(y, fixed[None]).T
    left = (1 - x_fixed**2) * (1 - y_fixed**2)
    scale = np.sqrt(np.where(left > ROUNDING, left, np.nan))
    return np.clip((pearson(x, y) - x_fixed * y_fixed) / scale, -1, 1)


def jackknife_interval(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of `pearson` from leaving out one member at a time (Efron & Tibshirani 1993, chapter 11).

    `chosen` is bool [E, M]. Computed on Fisher's z and Student's t with M - 1 degrees of freedom. NaN where leaving out
    some member leaves no correlation to compute.
    """
    members = chosen.shape[1]
    left_out = np.stack([_fisher(pearson(x[:, ~inside], y[:, ~inside])) for inside in chosen.T])
    error = np.sqrt((members - 1) / members * ((left_out - left_out.mean(0)) ** 2).sum(0))
    centre, half = _fisher(pearson(x, y)), t.ppf(0.975, members - 1) * error
    return np.tanh(centre - half), np.tanh(centre + half)


def _fisher(correlation: np.ndarray) -> np.ndarray:
    """Fisher's z; NaN for a perfect correlation, where it is infinite."""
    return np.arctanh(np.where(np.abs(correlation) < 1 - ROUNDING, correlation, np.nan))


def random_orders(members: int, permutations: int, seed: int) -> np.ndarray:
    """Random orders of the members, int [permutations, M]: the same for every dataset and measure of a study."""
    generator = np.random.default_rng(derive(seed, "permutations"))
    return generator.permuted(np.tile(np.arange(members), (permutations, 1)), axis=1)


def mantel_p_values(observed: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Two-sided p-values of correlations [A, K], given those of R permutations of the members.

    `permuted` is [A, R, K]. p = (1 + permutations at least as extreme) / (1 + R), because the observed labelling is one
    of the possible ones. A permutation without a correlation counts as extreme; NaN if nothing was observed.
    """
    less_extreme = np.abs(permuted) < np.abs(observed)[:, None] - ROUNDING
    count = permuted.shape[1]
    return np.where(np.isnan(observed), np.nan, (1 + count - less_extreme.sum(1)) / (1 + count))


def permuted_pearson(sources: np.ndarray, y: np.ndarray, chosen: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Correlation with `y` [K, E] of each ensemble's mean of `sources`, for each order of the members, [A, R, K].

    `sources` are symmetric matrices [A, M, M], averaged over pairs, or numbers [A, M], averaged over members; `orders`
    is int [R, M]. An ensemble's mean is a weighted sum of the F values that are permuted. So a correlation follows from
    the weights' moments [F, F] and [F, K], and no permutation needs a pass over the ensembles. With many members F is
    too large for that, while ensembles are then few and small: their pairs are looked up for each permutation.
    """
    if sources.ndim == 3:
        first, second = np.triu_indices(chosen.shape[1], 1)
        if len(first) > MOST_MOMENTS:
            return _permuted_pair_by_pair(sources, y, chosen, orders)
        values = sources[:, orders[:, first], orders[:, second]]
    else:
        values = sources[:, orders]
    values = np.ascontiguousarray(values)  # BLAS cannot use the layout that indexing returns
    values -= values.mean(-1, keepdims=True)
    scatter, shared = _moments(chosen, _standardised(y), pairs=sources.ndim == 3)
    length = np.sqrt(np.maximum(((values @ scatter) * values).sum(-1, keepdims=True), 0))
    return values @ shared / np.where(length > ROUNDING * np.sqrt(len(chosen)), length, np.nan)


def _permuted_pair_by_pair(matrices: np.ndarray, y: np.ndarray, chosen: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """As `permuted_pearson`, by the mean over the pairs of each ensemble, one permutation after the other."""
    size = chosen.sum(1)
    groups = [(size == wanted, *np.triu_indices(wanted, 1)) for wanted in np.unique(size)]
    positions = [np.nonzero(chosen[rows])[1].reshape(rows.sum(), -1) for rows, *_ in groups]
    outcomes = _standardised(y).T
    means = np.empty((len(matrices), len(chosen)))
    permuted = np.empty((len(matrices), len(orders), len(y)))
    for number, order in enumerate(orders):
        for (rows, first, second), members in zip(groups, positions, strict=True):
            others = order[members]
            means[:, rows] = matrices[:, others[:, first], others[:, second]].mean(-1)
        permuted[:, number] = _standardised(means) @ outcomes
    return permuted


def _moments(chosen: np.ndarray, outcomes: np.ndarray, pairs: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scatter matrix [F, F] of the weights with which values enter an ensemble's mean, and weights × outcomes [F, K].

    In blocks of ensembles, since the weights [E, F] need not fit into memory.
    """
    first, second = np.triu_indices(chosen.shape[1], 1)
    count = len(first) if pairs else chosen.shape[1]
    total, scatter, shared = np.zeros(count), np.zeros((count, count)), np.zeros((count, len(outcomes)))
    for start in range(0, len(chosen), BLOCK_ENSEMBLES):
        block = slice(start, start + BLOCK_ENSEMBLES)
        inside = chosen[block][:, first] & chosen[block][:, second] if pairs else chosen[block]
        weights = inside / inside.sum(1, keepdims=True)
        total += weights.sum(0)
        scatter += weights.T @ weights
        shared += weights.T @ outcomes[:, block].T
    return scatter - np.outer(total, total) / len(chosen), shared


def _with_q_values(table: pl.DataFrame) -> pl.DataFrame:
    """Add `q_value`: Benjamini & Hochberg 1995, over all datasets, consensus, measures and improvements of one size.

    Each size is a family of its own, because it is another view of the same question. Rows without p do not count.
    """
    q_values = np.full(len(table), np.nan)
    p_values, sizes = table["p_value"].to_numpy(), table["size"].to_numpy()
    for size in np.unique(sizes):
        family = np.flatnonzero((sizes == size) & ~np.isnan(p_values))
        if len(family):
            q_values[family] = false_discovery_control(p_values[family])
    return table.with_columns(q_value=pl.Series(q_values).fill_nan(None))
