"""Whether the members of a group that was trained together are still classifiers."""

from collections.abc import Sequence

import numpy as np

STANDARD_ERRORS = 3


def collapse(accuracies: Sequence[float], labels: np.ndarray) -> str:
    """What is wrong with members of these accuracies (percent) on images with `labels`; empty if nothing is.

    A member is at chance if it is not better, by three standard errors, than always answering the most frequent class.
    """
    chance = float(np.bincount(labels).max() / len(labels))
    limit = 100 * (chance + STANDARD_ERRORS * float(np.sqrt(chance * (1 - chance) / len(labels))))
    learned = sum(accuracy > limit for accuracy in accuracies)
    if learned == 0:
        return "no member is better than chance"
    return "only one member is better than chance" if learned == 1 else ""
