"""The best ensemble that was found for each size, on every dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, tables_by_dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.report.drawings.best_ensembles import draw_best_ensembles

    best, ensembles = tables_by_dataset(files["best"]), tables_by_dataset(files["ensembles"])
    return draw_best_ensembles({dataset: (table, ensembles[dataset]) for dataset, table in best.items()})


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
