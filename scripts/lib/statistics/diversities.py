"""The pairwise tables of a study, as diversities of the members that each measure compares."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import groups_of_images
from scripts.lib.jobs.storage import load_array
from scripts.lib.measures.spec import MEASURES
from scripts.lib.measures.tables import load_matrices, positions_compared


@dataclass(frozen=True)
class Diversities:
    """Some columns of the tables of one dataset.

    `matrices` has float64 [columns, M, M] for each measure, turned so that more means more diverse, and `compared` the
    positions of the members that the measure compares.
    """

    matrices: dict[str, np.ndarray]
    compared: dict[str, list[int]]


def read_diversities(
    paths: Sequence[str],
    datasets: int,
    members: Sequence[str],
    compared: Mapping[str, Sequence[str]],
    columns: Sequence[str],
) -> Iterator[Diversities]:
    """One dataset after the other, read when its turn comes.

    `paths` are by dataset, and within it by measure, in the order of `compared`, which may be empty and names the
    members that each measure compares. Raises StudyError for a table that does not fit.
    """
    measures = {MEASURES[name]: of_measure for name, of_measure in compared.items()}
    positions = {MEASURES[name].diversity: rows for name, rows in positions_compared(members, compared).items()}
    for dataset in range(datasets):
        of_dataset = zip(measures.items(), paths[dataset * len(measures) :], strict=False)
        matrices = {
            measure.diversity: measure.as_diversity(load_matrices(path, members, names, columns))
            for (measure, names), path in of_dataset
        }
        yield Diversities(matrices, positions)


def read_without_groups(
    paths: Sequence[str], datasets: int, members: Sequence[str], compared: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, np.ndarray]]:
    """As `read_diversities`, from the arrays of the measures on halves without one group of images.

    Each has float64 [2, G, M, M] for each measure, with NaN for members that it does not compare. G is 0 for a study of
    very many members. Raises StudyError for an array of another shape.
    """
    positions = positions_compared(members, compared)
    for dataset in range(datasets):
        found = {}
        for (name, places), path in zip(positions.items(), paths[dataset * len(positions) :], strict=False):
            values, rows = load_array(path), np.array(places)
            expected = (2, groups_of_images(len(rows)), len(rows), len(rows))
            if values.shape != expected:
                raise StudyError(
                    f"{path} has the shape {list(values.shape)} instead of {list(expected)}. Delete it and run again."
                )
            matrices = np.full((2, expected[1], len(members), len(members)), np.nan)
            matrices[:, :, rows[:, None], rows] = values
            found[MEASURES[name].diversity] = MEASURES[name].as_diversity(matrices)
        yield found
