"""How the variance of accuracy over ensembles divides among size, members' accuracies and diversities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus
from scripts.lib.report.labels import WHAT_SHARES_ARE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.variance_shares import draw_variance_shares

    [path] = files["variance_shares"]
    return draw_variance_shares(load_table(path).filter(consensus=consensus), consensus)


SPEC = FigureSpec(
    name="variance_shares",
    order=37,
    title="What the variance of accuracy over ensembles goes with",
    caption="For each dataset, how the variance of accuracy over all ensembles divides among their size, the "
    f"accuracies of their members, and each diversity. {WHAT_SHARES_ARE} The numbers, also of each measure in a model "
    "of its own, are in the tables of the variance of accuracy.",
    alternative="Dot plot of the share of each term in the variance of ensemble accuracy on each dataset. The numbers "
    "are in the tables of the variance of accuracy.",
    inputs=lambda study: {"variance_shares": ["variance_shares.parquet"]},
    shows=first_consensus,
    draw=draw,
)
