"""The tables of robustness of a study, from the files of all of its validation sets; the first one is not shifted."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from scripts.lib.jobs.storage import load_array, load_table
from scripts.lib.statistics.robustness import Counts, jackknifed_line
from scripts.lib.statistics.robustness_of_ensembles import by_size, counts_of_ensembles, counts_of_members
from scripts.lib.statistics.robustness_tables import (
    HeldOut,
    lines_table,
    members_line,
    over_sets_table,
    robustness_table,
)


@dataclass(frozen=True)
class StudyFiles:
    """The files of each of the `datasets`, in their order.

    `held_out` and `resampled` are what `ensembles.held_out` wrote.
    """

    datasets: Sequence[str]
    accuracies: Sequence[str]
    halves: Sequence[str]
    held_out: Sequence[str]
    resampled: Sequence[str]

    @classmethod
    def names(cls) -> list[str]:
        """The names of the lists of files."""
        return [field.name for field in fields(cls)][1:]

    def of_members(self, number: int) -> Counts:
        """Correct answers of the members on all samples of a dataset."""
        return counts_of_members(self.accuracies[number])

    def of_ensembles(self, number: int, ensembles: int) -> dict[str, Counts]:
        """Correct answers of so many `ensembles` on all samples of a dataset, by consensus."""
        return counts_of_ensembles(self.halves[number], self.of_members(number).samples, ensembles)

    def judged(self, number: int) -> HeldOut:
        """What was judged on the evaluation split of a dataset."""
        return HeldOut(load_table(self.held_out[number]), np.array(load_array(self.resampled[number])))


def robustness_of_study(files: StudyFiles, sizes: np.ndarray, baseline: int | None) -> dict[str, pl.DataFrame]:
    """The tables `robustness`, `lines`, `over_sets` and `by_size`; docs/contracts.md has their columns.

    `sizes` int [E] are those of the ensembles of the study, in the order of the tables of halves; `baseline` is the
    position of the member whose errors others are compared with, or None. There must be more than one dataset.
    """
    members, ensembles, judged = files.of_members(0), files.of_ensembles(0, len(sizes)), files.judged(0)
    lines, tables, summaries = {}, [], []
    for number, dataset in enumerate(files.datasets[1:], start=1):
        under_shift, held_out = files.of_members(number), files.judged(number)
        lines[dataset, "all"] = jackknifed_line(members, under_shift)
        lines[dataset, "evaluation"] = members_line(judged, held_out)
        tables.append(robustness_table(judged, held_out))
        line, together = lines[dataset, "all"].line, files.of_ensembles(number, len(sizes))
        summaries.append(by_size(dataset, sizes, ensembles, together, (members, under_shift), line))
    robustness = pl.concat(tables)
    return {
        "robustness": robustness,
        "lines": lines_table(lines),
        "over_sets": over_sets_table(robustness, baseline),
        "by_size": pl.concat(summaries),
    }
