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
    title="What accuracy an ensemble costs",
    caption="Ensembles that were chosen on one part of each dataset's samples because no cheaper one was as accurate "
    "there (or, where costs are not known, as the best of their size), and their accuracy on the other part with its "
    "95 % Wilson interval.",
    alternative="Line charts of held-out accuracy against cost, one for each dataset. The numbers are in "
    "deployment/dataset.parquet.",
    inputs=lambda study: {"deployment": study.tables("deployment")},
    draw=draw,
)
