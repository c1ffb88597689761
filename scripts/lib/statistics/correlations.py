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

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control

from scripts.lib.ensembles.tables import BLOCK_ENSEMBLES, mean_of_members, mean_pairwise
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import FEWEST_ENSEMBLES, partial_product, product, spearman, standardised
from scripts.lib.statistics.jackknife import jackknife_interval
from scripts.lib.statistics.permutations import mantel_p_values, permuted_pearson, random_orders

INTERVAL = "95 %, delete-one-member jackknife on Fisher's z"
ACCURACY = "mean_member_accuracy"
IMPROVEMENT = "improvement_"

STATISTICS = ("pearson", "spearman", "partial_pearson", "ci_low", "ci_high", "p_value")
COLUMNS = ("dataset", "consensus", "measure", "improvement", "size", *STATISTICS, "q_value", "ensembles", "interval")


@dataclass(frozen=True)
class Evidence:
    """What is correlated on one dataset.

    `ensembles` is its ensembles table (members, consensus and improvements are enough), which has the same ensembles
    for each consensus. `accuracies` float64 [M] are the members' accuracies in percent, and `diversities` has a
    symmetric matrix float64 [M, M] for each measure, turned so that more means more diverse. `compared` has the
    positions of the members that a measure compares, if these are not all. Such a measure is correlated only over the
    ensembles of these members, and only they are left out or permuted.
    """

    ensembles: pl.DataFrame
    accuracies: np.ndarray
    diversities: dict[str, np.ndarray]
    compared: dict[str, list[int]] = field(default_factory=dict)


def correlations_table(datasets: Iterable[tuple[str, Evidence]], permutations: int, seed: int) -> pl.DataFrame:
    """One row for each dataset, consensus, size ("all" sizes from two members first), measure and improvement.

    Undefined values (a constant input, too few ensembles) are null. `q_value` controls the false discovery rate over
    all rows of the same size; it tests the same hypothesis as `p_value`. The result depends on `seed`, but not
    on the order of the ensembles' rows. Datasets are taken one after the other, so that an iterator that reads them
    needs the memory of one. Raises ValueError if two consensus of a dataset have different ensembles.
    """
    tables: list[pl.DataFrame] = []
    known = Ensembles(np.zeros((0, 0), bool))
    for dataset, evidence in datasets:
        ensembles, outcomes = _in_order(evidence)
        known = known if np.array_equal(known.chosen, ensembles.chosen) else ensembles
        found = _of_dataset(evidence, known, outcomes, permutations, seed)
        tables.append(found.with_columns(dataset=pl.lit(dataset), interval=pl.lit(INTERVAL)))
        del evidence, outcomes
    table = pl.concat(tables).with_columns(pl.selectors.float().fill_nan(None))
    return _with_q_values(table).select(COLUMNS)


@dataclass(frozen=True)
class Outcomes:
    """What ensembles improve: `values` float64 [K, E], with the consensus and the improvement of each row."""

    values: np.ndarray
    consensus: list[str]
    improvement: list[str]


def _in_order(evidence: Evidence) -> tuple[Ensembles, Outcomes]:
    """The ensembles, in an order that does not depend on the order of the table's rows, and their outcomes."""
    table, members = evidence.ensembles, len(evidence.accuracies)
    improvements = [name for name in table.columns if name.startswith(IMPROVEMENT)]
    methods = sorted(table["consensus"].unique())
    lists, order, ensembles = None, np.array([]), None
    values = []
    for consensus in methods:
        part = table.filter(consensus=consensus)
        if lists is None or not lists.equals(part["members"]):
            lists = part["members"]
            chosen = _chosen(lists, members)
            order = _order(chosen)
            if ensembles is not None and not np.array_equal(chosen[order], ensembles.chosen):
                raise ValueError(f"the ensembles of consensus {consensus} are not those of {methods[0]}")
            ensembles = Ensembles(chosen[order])
        values += [part[name].to_numpy()[order] for name in improvements]
    assert ensembles is not None
    names = [name.removeprefix(IMPROVEMENT) for name in improvements]
    return ensembles, Outcomes(np.stack(values), list(np.repeat(methods, len(names))), names * len(methods))


def _chosen(lists: pl.Series, members: int) -> np.ndarray:
    """The members of each ensemble, bool [E, M]."""
    chosen = np.zeros((len(lists), members), dtype=bool)
    for start in range(0, len(lists), BLOCK_ENSEMBLES):
        block = lists.slice(start, BLOCK_ENSEMBLES)
        chosen[np.repeat(np.arange(start, start + len(block)), block.list.len()), block.explode()] = True
    return chosen


def _order(chosen: np.ndarray) -> np.ndarray:
    """The rows of the ensembles of at least two members by size, and then by their members."""
    octets, size = np.packbits(chosen, axis=1, bitorder="little"), chosen.sum(1)
    order = np.lexsort((*octets.T, size))
    return order[size[order] > 1]


def _of_dataset(
    evidence: Evidence, ensembles: Ensembles, outcomes: Outcomes, permutations: int, seed: int
) -> pl.DataFrame:
    everyone = tuple(range(len(evidence.accuracies)))
    groups: dict[tuple[int, ...], list[str]] = {everyone: []}
    for name in evidence.diversities:
        groups.setdefault(tuple(evidence.compared.get(name, everyone)), []).append(name)
    tables = []
    for positions, names in groups.items():
        rows, part = (slice(None), ensembles) if positions == everyone else ensembles.part(positions)
        matrices = {name: evidence.diversities[name][np.ix_(positions, positions)] for name in names}
        own = Members(evidence.accuracies[list(positions)], matrices)
        orders = random_orders(len(positions), permutations, seed)
        found = _of_members(own, part, replace(outcomes, values=outcomes.values[:, rows]), orders)
        tables.append(found if positions == everyone else found.filter(pl.col("measure") != ACCURACY))
    table = pl.concat(tables)
    return pl.concat([table.filter(consensus=consensus) for consensus in dict.fromkeys(outcomes.consensus)])


@dataclass(frozen=True)
class Members:
    """Accuracies [M] of the members that some measures compare, and these measures' `diversities` [M, M] by name."""

    accuracies: np.ndarray
    diversities: dict[str, np.ndarray]


def _of_members(members: Members, ensembles: Ensembles, outcomes: Outcomes, orders: np.ndarray) -> pl.DataFrame:
    """Correlations of measures that compare the members of `ensembles`, and of these members' accuracies."""
    measures = [*members.diversities, ACCURACY]
    x, y = _means(members, ensembles), outcomes.values
    groups = {name: rows for name, rows in ensembles.groups.items() if rows.stop - rows.start >= FEWEST_ENSEMBLES}
    standard = {name: standardised(y[:, rows]) for name, rows in groups.items()}
    permuted = _permuted(members, standard, ensembles, orders)
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


def _means(members: Members, ensembles: Ensembles) -> np.ndarray:
    """The mean of each measure over the pairs of each ensemble, and of accuracy over its members, float64 [A, E]."""
    means = np.empty((len(members.diversities) + 1, len(ensembles.chosen)))
    for values, matrix in zip(means, members.diversities.values(), strict=False):
        values[:] = mean_pairwise(ensembles.chosen, matrix)
    for start in range(0, means.shape[1], BLOCK_ENSEMBLES):
        block = slice(start, start + BLOCK_ENSEMBLES)
        means[-1, block] = mean_of_members(ensembles.chosen[block], members.accuracies)
    return means


def _permuted(
    members: Members, outcomes: dict[str, np.ndarray], ensembles: Ensembles, orders: np.ndarray
) -> dict[str, np.ndarray]:
    """Correlations [A, R, K] of every measure, and last of accuracy, for each order of the members and each group."""
    count = len(members.accuracies)
    matrices = np.array(list(members.diversities.values())).reshape(-1, count, count)  # there may be none
    sources = (matrices, members.accuracies[None])
    parts = [permuted_pearson(of_kind, outcomes, ensembles, orders) for of_kind in sources]
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
        mantel_p_values(observed, permuted),
    )
    return dict(zip(STATISTICS, values, strict=True))


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
