"""Pareto fronts: what nothing else beats in accuracy and cost at once."""

import numpy as np


def pareto_front(accuracies: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """bool [N]: no other is at least as accurate for at most the cost, and better in one; the first of equals."""
    front = np.zeros(len(costs), bool)
    best = -np.inf
    for row in np.lexsort((np.arange(len(costs)), -accuracies, costs)):
        if accuracies[row] > best:
            front[row], best = True, accuracies[row]
    return front
