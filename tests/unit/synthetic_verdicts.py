"""Verdicts on the paper's observations, for reports of synthetic studies."""

from collections.abc import Sequence

import polars as pl

from scripts.lib.observations import (
    attribution_diversity,
    resilience_of_ensembles,
    resilience_of_members,
)
from scripts.lib.observations.claims import (
    ARCHITECTURES_OR_NCL,
    ATTRIBUTION_DIVERSITY,
    BALANCED_LOSS,
    CONTRADICTED,
    IN_DIVERSITY,
    OVER_ENSEMBLE_ONLY,
    OVER_INDEPENDENT,
    RESILIENCE_OF_ENSEMBLES,
    RESILIENCE_OF_MEMBERS,
    SUPPORTED,
)
from scripts.lib.observations.study import table_of
from scripts.lib.observations.verdict import Estimate, Verdict, undecided


def synthetic_verdicts(datasets: Sequence[str], members: int) -> pl.DataFrame:
    """Every kind of verdict once; the report only needs numbers."""
    of_members = resilience_of_members
    shares = [Estimate(f"omega_squared_{term}", 0.4, 0.1, 0.7) for term in of_members.TERMS]
    difference = Estimate(of_members.DIFFERENCE, 0.3, 0.05, 0.55, 0.012)
    slope = resilience_of_ensembles.SLOPE
    slopes = [Estimate(slope, 1.0, 0.2, 1.8, dataset=dataset) for dataset in datasets[1:]]
    gains = [Estimate(OVER_INDEPENDENT, 0.8, 0.2, 1.4), Estimate(OVER_ENSEMBLE_ONLY, 1.1, 0.5, 1.7)]
    return table_of(
        [
            Verdict(RESILIENCE_OF_MEMBERS, SUPPORTED, difference, shares, members),
            Verdict(RESILIENCE_OF_ENSEMBLES, CONTRADICTED, Estimate(slope, 1.0, 0.6, 1.4), slopes, members),
            undecided(ATTRIBUTION_DIVERSITY, attribution_diversity.DIFFERENCE, 0, "there must be more members"),
            Verdict(BALANCED_LOSS, SUPPORTED, gains[0], gains[1:], 80, seeds=5),
            undecided(ARCHITECTURES_OR_NCL, IN_DIVERSITY["predictions"], 0, "there are no groups"),
        ]
    )
