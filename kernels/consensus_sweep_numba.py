"""The consensus sweep on the CPU, compiled by numba; `consensus_sweep` explains the idea."""

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kernels import cpu
from kernels.bits import WORD
from kernels.consensus_listed_numba import listed_ensembles
from kernels.consensus_sample_numba import flush, leads_of_sample, skyline
from kernels.cpu import compiled
from kernels.subsets import Ensembles, rows_of

LOW_MEMBERS = 7  # their 2^7 sums are a table of 1 KiB per competitor
COPY_ELEMENTS = 1 << 22  # of scores that are copied or widened at a time


def sweep_numba(scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool) -> torch.Tensor:
    """Counts of correct samples, int64 [E] as `subsets.rows_of` numbers the ensembles.

    `scores` float [M, N, C] and `labels` int64 [N], both on the CPU.
    """
    rows = rows_of(ensembles, len(scores))
    counts, lock = torch.zeros(rows, dtype=torch.int64), threading.Lock()
    kernel: Callable[..., None]
    description: tuple[Any, ...]
    if isinstance(ensembles, str):
        kernel, description = _sweep_all, (min(len(scores), LOW_MEMBERS),)
    else:
        kernel, description = listed_ensembles(ensembles, scores, vote)
    copied = WORD * max(1, COPY_ELEMENTS // (scores[:, 0].numel() * WORD))

    def work(start: int, stop: int) -> None:
        part = torch.zeros_like(counts)
        for values, first, last, offset in cpu.readable(scores, start, stop, copied):
            kernel(values, labels[offset:].numpy(), first, last, vote, *description, part.numpy())
        with lock:
            counts.add_(part)

    cpu.parallel(work, cpu.ranges(scores.shape[1], WORD))
    return counts


# -------------------------------------------------------------------------------------------------------- all ensembles


@compiled
def _sweep_all(scores: Any, labels: Any, start: int, stop: int, vote: bool, low: int, counts: Any) -> None:
    """Count for all ensembles over samples [start, stop); the members of ensemble e are the set bits of e.

    `scores` float32 or float64 [M, N, C], `labels` int64 [N], `counts` int64 [2^M]; `low` members are the low bits.
    """
    members, _, classes = scores.shape
    marked, favourites = np.empty(classes, np.uint8), np.empty(members, np.int64)
    leads, ties, kept = np.empty((classes, members)), np.empty(classes, np.bool_), np.empty(classes, np.int64)
    room, block, blocks = 64, 1 << low, 1 << (members - low)
    low_sums, thresholds, extremes = np.empty((room, block)), np.empty((room, blocks)), np.empty((room, 2))
    words, margin = np.zeros(len(counts), np.uint64), np.empty(block)
    for sample in range(start, stop):
        competitors = leads_of_sample(scores, sample, labels[sample], vote, marked, favourites, leads, ties)
        size = skyline(leads, ties, competitors, kept)
        if size > room:
            room = 2 * size
            low_sums, thresholds, extremes = np.empty((room, block)), np.empty((room, blocks)), np.empty((room, 2))
        _tables(leads, ties, kept, size, low_sums, thresholds, extremes)
        _mark_correct(size, low_sums, thresholds, extremes, sample % 64, words, margin)
        if sample % 64 == 63 or sample == stop - 1:
            flush(words, counts)


@compiled
def _tables(leads: Any, ties: Any, kept: Any, size: int, low_sums: Any, thresholds: Any, extremes: Any) -> None:
    """Fill the tables by which ensemble (high, low) loses to competitor k if low_sums[k, low] > thresholds[k, high]."""
    low = int(math.log2(low_sums.shape[1]))
    for k in range(size):
        lead = leads[kept[k]]
        _subset_sums(lead[:low], low_sums[k])
        _subset_sums(lead[low:], thresholds[k])
        extremes[k, 0] = low_sums[k].min()
        extremes[k, 1] = low_sums[k].max()
        for high in range(thresholds.shape[1]):
            threshold = -thresholds[k, high]
            thresholds[k, high] = np.nextafter(threshold, -np.inf) if ties[kept[k]] else threshold


@compiled
def _subset_sums(values: Any, sums: Any) -> None:
    """sums[e] = the sum of the values at the set bits of e."""
    sums[0] = 0.0
    for bit in range(len(values)):
        for e in range(1 << bit):
            sums[e + (1 << bit)] = sums[e] + values[bit]


@compiled
def _mark_correct(size: int, low_sums: Any, thresholds: Any, extremes: Any, bit: int, words: Any, margin: Any) -> None:
    """Set `bit` in the word of each ensemble that loses to no competitor; `margin` is scratch space."""
    block = low_sums.shape[1]
    for high in range(thresholds.shape[1]):
        margin[:] = -np.inf
        all_lose = False
        for k in range(size):
            threshold = thresholds[k, high]
            if extremes[k, 0] > threshold:
                all_lose = True
                break
            if extremes[k, 1] > threshold:
                for e in range(block):
                    margin[e] = max(margin[e], low_sums[k, e] - threshold)
        if not all_lose:
            word = words[high * block : (high + 1) * block]
            for e in range(block):
                word[e] |= np.uint64(margin[e] <= 0) << np.uint64(bit)
