"""Verdicts on the paper's observations, for reports of synthetic studies."""

from collections.abc import Sequence

import polars as pl

from scripts.lib.observations import (
    attribution_diversity,
    members_trained_together,
    resilience_of_ensembles,
    resilience_of_members,
)
from scripts.lib.observations.claims import (
    ATTRIBUTION_DIVERSITY,
    CONTRADICTED,
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
    return table_of(
        [
            Verdict(RESILIENCE_OF_MEMBERS, SUPPORTED, difference, shares, members),
            Verdict(RESILIENCE_OF_ENSEMBLES, CONTRADICTED, Estimate(slope, 1.0, 0.6, 1.4), slopes, members),
            undecided(ATTRIBUTION_DIVERSITY, attribution_diversity.DIFFERENCE, 0, "there must be more members"),
            *members_trained_together.verdicts(),
        ]
    )
