"""The best ensemble that was found for each size, on every dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, tables_by_dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.best_ensembles import SUMMARISED, draw_best_ensembles, summary

    # One table of ensembles is in memory at a time, because it may have millions of rows.
    evaluated = {Path(path).stem: summary(load_table(path, SUMMARISED)) for path in files["ensembles"]}
    best = tables_by_dataset(files["best"])
    return draw_best_ensembles({dataset: (table, evaluated[dataset]) for dataset, table in best.items()})


SPEC = FigureSpec(
    name="best_ensembles",
    order=20,
    title="The best ensemble of every size",
    caption="Accuracy of the best ensemble that was found for each number of members. Grey: the mean of all evaluated "
    "ensembles of that size, and (thin line) the best single member. The best ensembles are chosen on the same images"
    " on which their accuracy is measured, so these accuracies are optimistic estimates.",
    alternative="Line charts of accuracy against the number of members, one for each dataset. The numbers are in "
    "best_ensembles/dataset.parquet.",
    inputs=lambda study: {"best": study.tables("best_ensembles"), "ensembles": study.tables("ensembles")},
    draw=draw,
)
