"""Pareto fronts: the candidates that no other candidate beats in both accuracy and cost."""

import numpy as np


def pareto_front(accuracies: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Which candidates are on the front, bool [N]: no other is at least as accurate at the same or a lower cost.

    Of candidates with equal accuracy and cost, the first is on the front.
    """
    front = np.zeros(len(costs), bool)
    best = -np.inf
    for row in np.lexsort((np.arange(len(costs)), -accuracies, costs)):
        if accuracies[row] > best:
            front[row], best = True, accuracies[row]
    return front
