"""Observations on members that were trained together, which this workflow does not do."""

from scripts.lib.observations.verdict import NOT_TESTED, Estimate, Observation, Verdict

STATISTIC = "It needs members that were trained together (negative correlation learning); members are trained alone."
OBSERVATIONS = (
    Observation(
        "3",
        "A balanced loss of individual and ensemble accuracy gives more resilient ensembles.",
        STATISTIC,
        "Not tested.",
    ),
    Observation(
        "4",
        "Different architectures give more diversity than negative correlation learning, in predictions, attributions "
        "and activations.",
        STATISTIC,
        "Not tested.",
    ),
)


def verdicts() -> list[Verdict]:
    """That they are not tested."""
    nothing = Estimate("none", float("nan"))
    return [Verdict(observation, NOT_TESTED, nothing) for observation in OBSERVATIONS]
