"""The effect of each diversity on the quality of ensembles, adjusted for their members' quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline
from scripts.lib.report.labels import OUTCOMES, WHAT_EFFECTS_ARE, consensus_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "accuracy": "Diversity and ensemble accuracy, adjusted for the members' accuracy and confidence",
    "nll": "Diversity and the ensemble's NLL, adjusted for the members' NLL and confidence",
}
AXES = {
    "accuracy": "Difference in ensemble accuracy (percentage points) for one standard deviation of the remaining "
    "diversity,\nadjusted for size and members' accuracy and confidence",
    "nll": "By how much smaller the ensemble's NLL is (nats) for one standard deviation of the remaining diversity,\n"
    "adjusted for size and members' NLL and confidence",
}


def draw(files: Mapping[str, Sequence[str]], outcome: str, consensus: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.forest import Estimate, draw_forest

    [path], label = files["effects"], OUTCOMES[outcome]
    axis = f"{AXES[outcome]}; ensembles by {consensus_title(consensus)}"
    images = ("images_low", "images_high")
    estimate = Estimate("per_sd", "per_sd_low", "per_sd_high", "effect", axis, label.digits, images)
    return draw_forest(load_table(path).filter(outcome=outcome, consensus=consensus), estimate)


def pictures(study: StudyOutline) -> Sequence[Picture]:
    """One picture for each outcome, of the first consensus that has it."""
    of_outcomes = {"accuracy": study.consensus, "nll": averaging(study.consensus)}
    return [
        Picture(
            SPEC.name if outcome == "accuracy" else f"{SPEC.name}_on_{outcome}",
            TITLES[outcome],
            SPEC.alternative,
            {"outcome": outcome, "consensus": consensus[0]},
        )
        for outcome, consensus in of_outcomes.items()
        if consensus
    ]


SPEC = FigureSpec(
    name="effects",
    order=35,
    title=TITLES["accuracy"],
    caption="The effect of each measure on each dataset. Thin lines are 95 % intervals over members: what other "
    "members would have shown on these images. Thick lines are 95 % intervals over images: what these members would "
    f"have shown on other images. {WHAT_EFFECTS_ARE} The numbers, with p and q, are in the tables of effects.",
    alternative="Dot plot of the effect of each measure on the ensembles' accuracy or negative log-likelihood on each "
    "dataset. The numbers are in the tables of effects.",
    inputs=lambda study: {"effects": ["effects.parquet"]},
    several=pictures,
    draw=draw,
)
