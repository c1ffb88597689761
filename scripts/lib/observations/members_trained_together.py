"""Observations on members that were trained together, which this workflow does not do."""

from scripts.lib.observations.claims import MEMBERS_TRAINED_TOGETHER, NOT_TESTED
from scripts.lib.observations.verdict import Estimate, Verdict


def verdicts() -> list[Verdict]:
    """That they are not tested."""
    nothing = Estimate("none", float("nan"))
    return [Verdict(observation, NOT_TESTED, nothing) for observation in MEMBERS_TRAINED_TOGETHER]
