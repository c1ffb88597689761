"""The names of what is measured of groups of members that were trained together; needs only the standard library."""

from collections.abc import Mapping
from typing import Any

ALL = "all"
# In the column `dataset`, besides the validation sets.
SHIFTED, TRAINING, HELD_OUT = "mean over the shifted sets", "on training images", "on held-out images"
MEMBER_ACCURACY, ENSEMBLE_ACCURACY, PENALTY = "member_accuracy", "ensemble_accuracy", "penalty"


def ensemble_accuracy(consensus: str) -> str:
    """The accuracy of a group's ensemble by a consensus."""
    return f"{ENSEMBLE_ACCURACY}_{consensus}"


def penalty(term: str) -> str:
    """The value of a term of a loss after the training."""
    return f"{PENALTY}_{term}"


def loss_in_words(loss: Mapping[str, Any]) -> str:
    """The terms of a loss with their weights, `activation 1, ncl 0.5`; empty for independent members."""
    return ", ".join(f"{name} {weight:g}" for name, weight in sorted(loss.items()))
