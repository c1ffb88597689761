"""What plain correlations are computed from: ensembles with improvements, accuracies and pairwise diversities."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from scripts.lib.ensembles.sums import BLOCK_ENSEMBLES
from scripts.lib.jobs.storage import load_table
from scripts.lib.statistics.by_size import Ensembles, by_members
from scripts.lib.statistics.diversities import read_diversities

IMPROVEMENT = "improvement_"  # how the columns of improvements begin in a table of ensembles


@dataclass(frozen=True)
class Evidence:
    """The tables of one dataset.

    `ensembles` is its table of ensembles (members, consensus and improvements are enough), which has the same ensembles
    for each consensus. `accuracies` float64 [M] are the members' accuracies in percent, and `diversities` has a
    symmetric matrix float64 [M, M] for each measure, turned so that more means more diverse. `compared` has the
    positions of the members that a measure compares, if these are not all. Such a measure is looked at only over the
    ensembles of these members, and only they are left out or permuted.
    """

    ensembles: pl.DataFrame
    accuracies: np.ndarray
    diversities: dict[str, np.ndarray]
    compared: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcomes:
    """What ensembles improve: `values` float64 [K, E], with the consensus and the improvement of each row."""

    values: np.ndarray
    consensus: list[str]
    improvement: list[str]


@dataclass(frozen=True)
class Comparison:
    """The members that some measures compare: `accuracies` [M], these measures' `diversities` [M, M], ensembles."""

    accuracies: np.ndarray
    diversities: dict[str, np.ndarray]
    ensembles: Ensembles
    outcomes: Outcomes
    has_all_members: bool


def read_evidence(
    files: Mapping[str, Sequence[str]],
    datasets: Sequence[str],
    members: Sequence[str],
    compared: Mapping[str, Sequence[str]],
    improvements: Sequence[str],
) -> Iterator[tuple[str, Evidence]]:
    """Each dataset with its evidence, read when its turn comes, so that the ensembles of only one are in memory.

    `files` are the tables `ensembles` and `accuracies` of each dataset, and the `pairwise` ones by dataset, and within
    it by measure. `compared` names the members that each measure compares; `improvements` are `over_mean` and others.
    """
    read = read_diversities(files["pairwise"], len(datasets), members, compared, ["value"])
    tables = zip(datasets, files["ensembles"], files["accuracies"], read, strict=True)
    for dataset, ensembles, accuracies, diversities in tables:
        yield (
            dataset,
            Evidence(
                load_table(ensembles, ["members", "consensus", *(f"{IMPROVEMENT}{name}" for name in improvements)]),
                load_table(accuracies).sort("position")["accuracy"].to_numpy(),
                {name: matrices[0] for name, matrices in diversities.matrices.items()},
                diversities.compared,
            ),
        )


def comparisons(datasets: Iterable[tuple[str, Evidence]]) -> Iterator[tuple[str, list[Comparison]]]:
    """For each dataset, its measures in groups of those that compare the same members.

    The order of ensembles does not depend on
    the order of the table's rows. What follows from the ensembles alone is shared by datasets that have the same ones.
    Raises ValueError if two consensus of a dataset have different ensembles.
    """
    known = Ensembles(np.zeros((0, 0), bool))
    for dataset, evidence in datasets:
        ensembles, outcomes = _in_order(evidence)
        known = known if np.array_equal(known.chosen, ensembles.chosen) else ensembles
        yield dataset, list(_groups(evidence, known, outcomes))
        del evidence, outcomes


def _groups(evidence: Evidence, ensembles: Ensembles, outcomes: Outcomes) -> Iterator[Comparison]:
    """The first group compares all members; it may have no measure."""
    everyone = tuple(range(len(evidence.accuracies)))
    groups: dict[tuple[int, ...], list[str]] = {everyone: []}
    groups |= by_members(evidence.diversities, evidence.compared, len(everyone))
    for positions, names in groups.items():
        complete = positions == everyone
        rows, part = (slice(None), ensembles) if complete else ensembles.part(positions)
        matrices = {name: evidence.diversities[name][np.ix_(positions, positions)] for name in names}
        values = replace(outcomes, values=outcomes.values[:, rows])
        yield Comparison(evidence.accuracies[list(positions)], matrices, part, values, complete)


def _in_order(evidence: Evidence) -> tuple[Ensembles, Outcomes]:
    """The ensembles, in an order that does not depend on the order of the table's rows, and their outcomes."""
    table, members = evidence.ensembles, len(evidence.accuracies)
    columns = [name for name in table.columns if name.startswith(IMPROVEMENT)]
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
        values += [part[name].to_numpy()[order] for name in columns]
    assert ensembles is not None
    names = [name.removeprefix(IMPROVEMENT) for name in columns]
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
