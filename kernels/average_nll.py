"""The negative log-likelihood (NLL) of every ensemble that averages its members' probabilities.

The idea. Of each sample only the mean probability of its true class counts, so an ensemble costs one sum, one logarithm
and one addition per sample. Two facts make this cheap for all 2^M - 1 ensembles:

1. The sum of a subset's probabilities is `low_sums[e mod 2^LOW] + high_sums[e div 2^LOW]`: two small tables for each
   sample. A row of 2^LOW ensembles then takes one addition of contiguous numbers.
2. The sum of logarithms is the logarithm of a product. No factor is below the floor of 1e-12 or above the number of
   members, so the product of 20 samples stays within float64; then its exponent is added to a whole number, and its
   mantissa is kept. One logarithm is left for each ensemble. The rounding errors of the multiplications do not grow
   with the exponent: with N samples, the relative error of the product is N times 2^-53 at most.

The implementation for the CPU is in `average_nll_numba`; the definition in plain torch is below. There is no
implementation in Triton: on a GPU the definition runs.
"""

import torch

from . import checks, cpu
from .average_nll_numba import nll_numba
from .subsets import Ensembles, check_ensembles, membership, rows_of

FLOOR = 1e-12  # probabilities below it count as this one, which is 27.6 nats
BLOCK_ELEMENTS = 1 << 22  # of the mean probabilities that plain torch holds at a time
LOGARITHM = 20  # for plain torch, a logarithm takes as long as so many additions
MOST = 1 + 1e-6  # a softmax in float32 may exceed 1 by rounding


def average_nll(probabilities: torch.Tensor, ensembles: Ensembles = "all") -> tuple[torch.Tensor, torch.Tensor]:
    """Negative log-likelihood of the averaged probabilities of each ensemble, summed over samples.

    Args:
        probabilities: float [M, N], the probability that each member gives to the true class of each sample; from 0 to
            1. They are computed with as float64, and should come from a softmax in float64: one in float32 turns all
            probabilities above 1 - 3e-8 into 1.
        ensembles: "all" for the 2^M - 1 non-empty subsets of up to 20 members, where row e - 1 of the result is the
            ensemble whose members are the set bits of e; or bool [E, M], one ensemble per row, none of them empty.

    Returns:
        float64 [E], the sums over samples of -ln max(mean of the members' probabilities, FLOOR), in nats, never
        negative; and int64 [E], the number of samples whose mean is below FLOOR. Both add up over shards of samples.

    Raises:
        ValueError: names the argument and the first offending index.

    Accuracy: a sum differs from the exact one by at most (M + 20) 2^-53 (N + sum); a mean within rounding of FLOOR may
    or may not be counted. Compiled code gives the same bits for any number of threads, because each ensemble is
    computed by one thread, over the samples in their order. "all" and a list, and compiled code and plain torch, differ
    by rounding.

    Definition: `nll` in docs/measures.md.

    Cost: an addition and a multiplication per sample and ensemble ("all"), or as many additions as the listed ensembles
    have members. Memory beside the input: 16 E bytes and some 300 KB per thread. Measurements: docs/kernels.md.
    """
    _check(probabilities, ensembles)
    members, samples = probabilities.shape
    operations = rows_of(ensembles, members) * samples * (members + LOGARITHM)
    compute = nll_numba if cpu.worthwhile(probabilities, operations) else _nll_torch
    sums, clipped = compute(probabilities.double(), ensembles, FLOOR)
    return (sums[1:], clipped[1:]) if isinstance(ensembles, str) else (sums, clipped)


# ---------------------------------------------------------------------------------------------------------- plain torch


def _nll_torch(probabilities: torch.Tensor, ensembles: Ensembles, floor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The definition, some ensembles at a time; "all" includes the empty ensemble, whose values mean nothing."""
    rows = rows_of(ensembles, len(probabilities))
    sums = torch.zeros(rows, dtype=torch.float64, device=probabilities.device)
    clipped = torch.zeros(rows, dtype=torch.int64, device=probabilities.device)
    step = max(1, BLOCK_ELEMENTS // probabilities.shape[1])
    for first in range(0, rows, step):
        chosen = membership(ensembles, first, min(rows, first + step), probabilities)
        mean = chosen @ probabilities / chosen.sum(1, keepdim=True)
        sums[first : first + step] = -mean.clamp(min=floor).log().sum(1)
        clipped[first : first + step] = (mean < floor).sum(1)
    return sums.clamp(min=0), clipped


# --------------------------------------------------------------------------------------------------------------- checks


def _check(probabilities: torch.Tensor, ensembles: Ensembles) -> None:
    checks.require_tensor("probabilities", probabilities, "members, samples")
    checks.require_float("probabilities", probabilities)
    check_ensembles(ensembles, len(probabilities), probabilities.device)
    checks.require_probabilities("probabilities", probabilities, most=MOST)
