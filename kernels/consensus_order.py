"""How many samples each of some ensembles classifies correctly by an order statistic of its members' probabilities.

The idea. The smallest, the median and the largest of the members' probabilities of a class are no sums, so ensembles
share no work. But they never decrease with a member's probability: of each sample, only the classes that beat the label
in some member can win, and of these only those of the skyline of `consensus_sweep`. For each listed ensemble, the
statistic of these few classes is compared with that of the label.

The implementation for the CPU is in `consensus_order_numba`; the definition in plain torch is below.
"""

from typing import Literal, get_args

import torch

from . import checks, cpu
from .consensus_order_numba import STATISTICS, count_numba
from .subsets import check_ensembles

Statistic = Literal["min", "median", "max"]


def consensus_order(
    probabilities: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor, statistic: Statistic
) -> torch.Tensor:
    """Number of samples that each ensemble classifies correctly.

    Args:
        probabilities: float [M, N, C], finite and not negative.
        labels: integer [N], class ids in [0, C).
        ensembles: bool [E, M], one ensemble per row, none of them empty.
        statistic: the ensemble decides for the class whose smallest ("min"), median or largest ("max") probability
            among the members is largest; of equal ones, for the lowest class id. The median of an even number is the
            mean of the two in the middle.

    Returns:
        int64 [E]. Counts of shards of samples add up.

    Raises:
        ValueError: names the argument and the first offending index.

    Cost: per sample, ensemble and skyline competitor, a look at each member ("median" sorts them). Memory beside the
    input: 8 E bytes per thread.
    """
    _check(probabilities, labels, ensembles, statistic)
    labels = labels.long().contiguous()
    if cpu.worthwhile(probabilities, len(ensembles) * probabilities.numel()):
        return count_numba(probabilities, labels, ensembles, STATISTICS.index(statistic))
    return _count_torch(probabilities, labels, ensembles, statistic)


# ---------------------------------------------------------------------------------------------------------- plain torch


def _count_torch(
    probabilities: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor, statistic: Statistic
) -> torch.Tensor:
    """The definition, one ensemble after the other."""
    decisions = (order_statistic(probabilities[chosen], statistic).argmax(1) for chosen in ensembles.unbind())
    return torch.stack([(decision == labels).sum() for decision in decisions])


def order_statistic(probabilities: torch.Tensor, statistic: Statistic) -> torch.Tensor:
    """The statistic over the members, float64 [N, C], of the probabilities [L, N, C]."""
    if statistic != "median":
        return (probabilities.amin(0) if statistic == "min" else probabilities.amax(0)).double()
    ascending, count = probabilities.double().sort(0).values, len(probabilities)
    return (ascending[(count - 1) // 2] + ascending[count // 2]) / 2


# --------------------------------------------------------------------------------------------------------------- checks


def _check(probabilities: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor, statistic: Statistic) -> None:
    checks.require_labelled_probabilities(probabilities, labels)
    checks.require_choice("statistic", statistic, get_args(Statistic))
    if isinstance(ensembles, str):
        raise ValueError(f"ensembles: expected bool [E, M], got {ensembles!r}")
    check_ensembles(ensembles, len(probabilities), probabilities.device)
    checks.require_probabilities("probabilities", probabilities)
