"""The effect of each diversity on the accuracy of ensembles under shift, measured on the clean set and under shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus
from scripts.lib.report.labels import WHAT_EFFECTS_FROM_CLEAN_ARE, consensus_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str) -> Figure:
    import polars as pl

    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.forest import Estimate, Series, draw_series
    from scripts.lib.report.drawings.style import BLUE, GREEN, ORANGE

    own, from_clean = (
        load_table(files[name][0]).filter(outcome="accuracy", consensus=consensus)
        for name in ("effects", "effects_from_clean")
    )
    on_clean = pl.col("adjusted_on") == pl.col("measured_on")
    series = [
        Series(
            own.filter(pl.col("dataset").is_in(from_clean["dataset"].to_list())),
            "diversity measured under the shift; accuracies and confidences under the shift held fixed",
            BLUE,
        ),
        Series(
            from_clean.filter(~on_clean),
            "diversity measured on the clean set; accuracies and confidences under the shift held fixed",
            GREEN,
            "s",
        ),
        Series(
            from_clean.filter(on_clean),
            "diversity measured on the clean set; accuracies and confidences on the clean set held fixed",
            ORANGE,
            "D",
        ),
    ]
    axis = (
        "Difference in ensemble accuracy under shift (percentage points) for one standard deviation of the remaining "
        f"diversity;\nensembles by {consensus_title(consensus)}, with 95 % intervals"
    )
    return draw_series(series, Estimate("per_sd", "per_sd_low", "per_sd_high", "effect", axis))


SPEC = FigureSpec(
    name="effects_from_clean",
    order=36,
    title="Does diversity on clean images tell which ensembles are accurate under shift?",
    caption=f"The effect of each measure on the accuracy of ensembles on each shifted set. "
    f"{WHAT_EFFECTS_FROM_CLEAN_ARE} The numbers, with p and q, are in the tables of effects.",
    alternative="Dot plot of the effect of each measure on the accuracy of ensembles on each shifted set, with the "
    "diversity measured there and on the clean set. The numbers are in the tables of effects.",
    inputs=lambda study: {"effects": ["effects.parquet"], "effects_from_clean": ["effects_from_clean.parquet"]},
    shows=first_consensus,
    draw=draw,
    exists=lambda study: study.has_shift,
)
