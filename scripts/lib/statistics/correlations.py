"""Which diversity correlates with improvement, and how certain that is.

Ensembles share members, so they are not independent and an ordinary p-value or interval would be far too optimistic.
The exchangeable units are the members. Therefore
- the interval leaves out one member (and all of its ensembles) at a time: delete-one jackknife on Fisher's z;
- the p-value permutes the labels of the members (Mantel 1967): the pairwise matrix is shuffled as a whole, and every
  ensemble gets the diversity of other members. It tests "no relation at all, not even through accuracy": shuffling
  breaks the relation of diversity to accuracy too, so a small p does not say that diversity matters beyond accuracy;
- the partial correlation holds the mean member accuracy fixed. For an effect beyond accuracy, see `effects`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from scripts.lib.ensembles.subsets import mean_of_members, mean_pairwise
from scripts.lib.ensembles.sums import BLOCK_ENSEMBLES
from scripts.lib.statistics.coefficients import (
    FEWEST_ENSEMBLES,
    false_discovery,
    partial_product,
    product,
    spearman,
    standardised,
)
from scripts.lib.statistics.evidence import Comparison, Evidence, comparisons
from scripts.lib.statistics.jackknife import jackknife_interval
from scripts.lib.statistics.names import MEMBER_ACCURACY
from scripts.lib.statistics.permutations import permutation_p_values, permuted_pearson, random_orders

INTERVAL = "95 %, delete-one-member jackknife on Fisher's z"

STATISTICS = ("pearson", "spearman", "partial_pearson", "ci_low", "ci_high", "p_value")
COLUMNS = ("dataset", "consensus", "measure", "improvement", "size", *STATISTICS, "q_value", "ensembles", "interval")


def correlations_table(datasets: Iterable[tuple[str, Evidence]], permutations: int, seed: int) -> pl.DataFrame:
    """One row for each dataset, consensus, size ("all" sizes from two members first), measure and improvement.

    Undefined values (a constant input, too few ensembles) are null. `q_value` controls the false discovery rate over
    all rows of the same size; it tests the same hypothesis as `p_value`. The result depends on `seed`, but not
    on the order of the ensembles' rows. Datasets are taken one after the other, so that an iterator that reads them
    needs the memory of one. Raises ValueError if two consensus of a dataset have different ensembles.
    """
    tables: list[pl.DataFrame] = []
    for dataset, groups in comparisons(datasets):
        found = _of_dataset(groups, permutations, seed)
        tables.append(found.with_columns(dataset=pl.lit(dataset), interval=pl.lit(INTERVAL)))
        del groups
    table = pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))
    return _with_q_values(table).select(COLUMNS)


def _of_dataset(groups: Sequence[Comparison], permutations: int, seed: int) -> pl.DataFrame:
    tables = []
    for group in groups:
        found = _of_group(group, random_orders(len(group.accuracies), permutations, seed))
        tables.append(found if group.has_all_members else found.filter(pl.col("measure") != MEMBER_ACCURACY))
    table = pl.concat(tables)
    return pl.concat([table.filter(consensus=consensus) for consensus in dict.fromkeys(groups[0].outcomes.consensus)])


def _of_group(group: Comparison, orders: np.ndarray) -> pl.DataFrame:
    """Correlations of measures that compare the same members, and of these members' accuracies."""
    measures, ensembles, outcomes = [*group.diversities, MEMBER_ACCURACY], group.ensembles, group.outcomes
    x, y = _means(group), outcomes.values
    groups = {name: rows for name, rows in ensembles.groups.items() if rows.stop - rows.start >= FEWEST_ENSEMBLES}
    standard = {name: standardised(y[:, rows]) for name, rows in groups.items()}
    permuted = _permuted(group, standard, orders)
    tables = []
    for name, rows in ensembles.groups.items():
        statistics = dict.fromkeys(STATISTICS, np.full((len(x), len(y)), np.nan))
        if name in groups:
            statistics = _statistics(x[:, rows], y[:, rows], standard.pop(name), ensembles.chosen[rows], permuted[name])
        count = len(x) * len(y)
        labels = {
            "consensus": outcomes.consensus * len(x),
            "measure": np.repeat(measures, len(y)),
            "improvement": outcomes.improvement * len(x),
            "size": [name] * count,
            "ensembles": [rows.stop - rows.start] * count,
        }
        tables.append(pl.DataFrame(labels | {column: values.ravel() for column, values in statistics.items()}))
    return pl.concat(tables)


def _means(group: Comparison) -> np.ndarray:
    """The mean of each measure over the pairs of each ensemble, and of accuracy over its members, float64 [A, E]."""
    chosen = group.ensembles.chosen
    means = np.empty((len(group.diversities) + 1, len(chosen)))
    for values, matrix in zip(means, group.diversities.values(), strict=False):
        values[:] = mean_pairwise(chosen, matrix)
    for start in range(0, means.shape[1], BLOCK_ENSEMBLES):
        block = slice(start, start + BLOCK_ENSEMBLES)
        means[-1, block] = mean_of_members(chosen[block], group.accuracies)
    return means


def _permuted(group: Comparison, outcomes: dict[str, np.ndarray], orders: np.ndarray) -> dict[str, np.ndarray]:
    """Correlations [A, R, K] of every measure, and last of accuracy, for each order of the members and each group."""
    count = len(group.accuracies)
    matrices = np.array(list(group.diversities.values())).reshape(-1, count, count)  # there may be none
    sources = (matrices, group.accuracies[None])
    parts = [permuted_pearson(of_kind, outcomes, group.ensembles, orders) for of_kind in sources]
    return {name: np.concatenate([part[name] for part in parts]) for name in outcomes}


def _statistics(
    x: np.ndarray, y: np.ndarray, standard: np.ndarray, chosen: np.ndarray, permuted: np.ndarray
) -> dict[str, np.ndarray]:
    """All numerical columns [A, K] of one group of ensembles; the last row of `x` is the mean member accuracy.

    `standard` is `y` standardised.
    """
    of_x = standardised(x)
    observed = product(of_x, standard)
    values = (
        observed,
        spearman(x, y),
        partial_product(of_x, standard, of_x[-1:]),
        *jackknife_interval(x, y, chosen),
        permutation_p_values(observed, permuted),
    )
    return dict(zip(STATISTICS, values, strict=True))


def _with_q_values(table: pl.DataFrame) -> pl.DataFrame:
    """Add `q_value`: Benjamini & Hochberg 1995, over all datasets, consensus, measures and improvements of one size.

    Each size is a family of its own, because it is another view of the same question. Rows without p do not count.
    """
    q_values = np.full(len(table), np.nan)
    p_values, sizes = table["p_value"].to_numpy(), table["size"].to_numpy()
    for size in np.unique(sizes):
        q_values[sizes == size] = false_discovery(p_values[sizes == size])
    return table.with_columns(q_value=pl.Series(q_values).fill_nan(None))
