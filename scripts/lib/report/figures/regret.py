"""What the ensemble that was chosen on the clean set loses under shift against one that was chosen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus
from scripts.lib.report.labels import WHAT_REGRET_IS, consensus_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str) -> Figure:
    import polars as pl

    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.forest import Estimate, draw_forest

    table = pl.concat(load_table(path) for path in files["held_out"]).filter(recommended=True, consensus=consensus)
    columns = {
        "regret": ("regret", "regret_low", "regret_high"),
        "lead over the best member": ("over_best_member", "over_best_low", "over_best_high"),
    }
    parts = [
        table.select("dataset", value=value, low=low, high=high).with_columns(measure=pl.lit(name))
        for name, (value, low, high) in columns.items()
    ]
    axis = (
        "Difference of accuracies on the evaluation split (percentage points);\n"
        f"ensembles by {consensus_title(consensus)}, chosen on the clean set"
    )
    return draw_forest(pl.concat(parts), Estimate("value", "low", "high", "difference", axis))


SPEC = FigureSpec(
    name="regret",
    order=31,
    title="Does a choice on the clean set hold under shift?",
    caption=f"The ensemble that is recommended on the clean set, on the evaluation split of each shifted set. "
    f"{WHAT_REGRET_IS} The lead is its accuracy minus that of the single member that was chosen on the clean set. The "
    "intervals (95 %) are paired, because both are measured on the same images; they are about images, not about other "
    "members.",
    alternative="Dot plot of the regret of a choice on the clean set and of its lead over the best member, for each "
    "shifted set. The numbers are in the section Under shift.",
    inputs=lambda study: {"held_out": [f"held_out/{dataset}.parquet" for dataset in study.datasets[1:]]},
    shows=first_consensus,
    draw=draw,
    exists=lambda study: study.has_shift,
)
