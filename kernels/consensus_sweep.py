"""How many samples each ensemble of a set of members classifies correctly.

The idea. An ensemble is correct on a sample if and only if no class beats the label there. Three facts make the sweep
over all 2^M - 1 ensembles cheap:

1. A class that is below the label in every member beats it in no ensemble, and a class that another one matches or
   exceeds in every member never decides. What is left is the *skyline* of the sample, a few competitors, each given by
   its leads over the label, one number per member.
2. The lead of a competitor in ensemble e is `low_sums[e mod 2^LOW] + high_sums[e div 2^LOW]`: two small tables. Whether
   it is positive is one comparison, `low_sums[i] > -high_sums[j]`, of contiguous numbers.
3. The largest and smallest entry of `low_sums` decide most rows of 2^LOW ensembles at once: no ensemble of the row
   loses to this competitor, or all of them do. With those of `high_sums`, many blocks of rows are decided at once.

Leads are float64 differences of the scores, exact for float16 and almost always for float32, so equal sums are seen as
equal and a tie goes where `argmax` sends it: to the lowest class id.

The implementation for the CPU is in `consensus_sweep_numba`, the one for the GPU in `consensus_sweep_triton`; the
definition in plain torch is below.
"""

from typing import Literal, get_args

import torch

from . import checks, cpu, gpu
from .consensus_sweep_numba import sweep_numba
from .consensus_sweep_triton import sweep_triton
from .subsets import Ensembles, check_ensembles, membership, rows_of

Consensus = Literal["average", "vote"]

BLOCK_SAMPLES, BLOCK_ELEMENTS = 64, 1 << 22  # of the sums that plain torch holds at a time


def consensus_sweep(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    ensembles: Ensembles = "all",
    consensus: Consensus = "average",
) -> torch.Tensor:
    """Number of samples that each ensemble classifies correctly.

    Args:
        probabilities: float [M, N, C], finite and not negative.
        labels: integer [N], class ids in [0, C).
        ensembles: "all" for the 2^M - 1 non-empty subsets of up to 20 members, where row e - 1 of the result is the
            ensemble whose members are the set bits of e; or bool [E, M], one ensemble per row, none of them empty.
        consensus: "average" decides for the class with the largest sum of probabilities; "vote" for the one that most
            members put first, ties broken by summed probability. What is still tied goes to the lowest class id.

    Returns:
        int64 [E]. Counts of shards of samples add up. They equal those of `probabilities[members].mean(0).argmax(-1)`
        wherever the two largest sums differ by more than rounding.

    Raises:
        ValueError: names the argument and the first offending index.

    Definition: "How an ensemble decides" in docs/measures.md.

    Cost: one pass over the input, then per sample and skyline competitor at most 2^M / 2^7 table look-ups and 2^M
    comparisons ("all"), or as many additions as the listed ensembles have members. Memory beside the input, on the
    CPU: 8 E bytes and some 500 KB per thread; never E × N × C. Measurements: docs/kernels.md.
    """
    _check(probabilities, labels, ensembles, consensus)
    operations = rows_of(ensembles, len(probabilities)) * probabilities.numel()
    sweep = _sweep_torch
    if gpu.usable(probabilities):
        sweep = sweep_triton
    elif cpu.worthwhile(probabilities, operations):
        sweep = sweep_numba
    counts = sweep(probabilities, labels.long().contiguous(), ensembles, consensus == "vote")
    return counts[1:] if isinstance(ensembles, str) else counts


# ---------------------------------------------------------------------------------------------------------- plain torch


def _sweep_torch(scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool) -> torch.Tensor:
    """The definition, in blocks, for devices without an implementation of their own and where numba is missing."""
    rows = rows_of(ensembles, len(scores))
    counts = torch.zeros(rows, dtype=torch.int64, device=scores.device)
    step = max(1, BLOCK_ELEMENTS // (BLOCK_SAMPLES * scores.shape[2]))
    for start in range(0, scores.shape[1], BLOCK_SAMPLES):
        values = scores[:, start : start + BLOCK_SAMPLES].double()
        for first in range(0, rows, step):
            chosen = membership(ensembles, first, min(rows, first + step), values)
            correct = _winners(values, chosen, vote) == labels[start : start + BLOCK_SAMPLES]
            counts[first : first + step] += correct.sum(1)
    return counts


def _winners(scores: torch.Tensor, chosen: torch.Tensor, vote: bool) -> torch.Tensor:
    """The class that each ensemble of the block decides for, [ensembles, samples]."""
    sums = torch.einsum("em,mnc->enc", chosen, scores)
    if vote:
        favourites = torch.nn.functional.one_hot(scores.argmax(2), scores.shape[2]).to(scores.dtype)
        votes = torch.einsum("em,mnc->enc", chosen, favourites)
        sums = torch.where(votes == votes.amax(2, keepdim=True), sums, -1)
    return sums.argmax(2)


# --------------------------------------------------------------------------------------------------------------- checks


def _check(probabilities: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, consensus: Consensus) -> None:
    checks.require_labelled_probabilities(probabilities, labels)
    checks.require_choice("consensus", consensus, get_args(Consensus))
    check_ensembles(ensembles, len(probabilities), probabilities.device)
    checks.require_probabilities("probabilities", probabilities)
