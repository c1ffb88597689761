"""Held-out accuracy of the ensembles that were chosen for deployment, against their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, tables_by_dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.report.drawings.deployment import draw_deployment

    return draw_deployment(tables_by_dataset(files["deployment"]))


SPEC = FigureSpec(
    name="deployment",
    order=30,
    title="Accuracy and cost of ensembles",
    caption="Ensembles that were chosen on the selection split of each dataset because no cheaper ensemble was as "
    "accurate there (or, if costs are not known, because they were the best of their size), and their accuracy on the"
    " evaluation split with its 95 % Wilson interval.",
    alternative="Line charts of held-out accuracy against cost, one for each dataset. The numbers are in "
    "deployment/dataset.parquet.",
    inputs=lambda study: {"deployment": study.tables("deployment")},
    draw=draw,
)
