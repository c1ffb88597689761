"""The consensus sweep on the CPU, compiled by numba; `consensus_sweep` explains the idea."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from . import cpu
from .bits import WORD
from .consensus_listed_numba import listed_ensembles
from .consensus_sample_numba import leads_of_sample, skyline
from .cpu import compiled
from .subsets import Ensembles, rows_of, subset_sums, widths

# What a batch of samples may have, so that its tables, some 1.5 KiB per competitor, stay in the cache.
BATCH_SAMPLES, BATCH_COMPETITORS = 64, 256
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
        kernel, description = _sweep_all, widths(len(scores))
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
#
# Ensembles are numbered by their members. The number's lowest bits are the place within a row, the next ones the row
# within a block, and the highest ones the block. A batch of samples is counted block by block, so that a block's counts
# stay in the cache.


@compiled
def _sweep_all(scores: Any, labels: Any, start: int, stop: int, vote: bool, low: int, middle: int, counts: Any) -> None:
    """Count for all ensembles over samples [start, stop); the members of ensemble e are the set bits of e.

    `scores` float32 or float64 [M, N, C], `labels` int64 [N], `counts` int64 [2^M]. A row has 2^low ensembles and a
    block 2^middle rows.
    """
    members, _, classes = scores.shape
    marked, favourites = np.empty(classes, np.uint8), np.empty(members, np.int64)
    leads, ties, kept = np.empty((classes, members)), np.empty(classes, np.bool_), np.empty(classes, np.int64)
    room = BATCH_COMPETITORS
    low_sums, middle_sums, high_leads = _batch_tables(room, members, low, middle)
    first, filled = np.zeros(BATCH_SAMPLES + 1, np.int64), 0  # sample i has the competitors first[i] : first[i + 1]
    for sample in range(start, stop):
        competitors = leads_of_sample(scores, sample, labels[sample], vote, marked, favourites, leads, ties)
        size = skyline(leads, ties, competitors, kept)
        if filled == BATCH_SAMPLES or first[filled] + size > room:
            _count_batch(first[: filled + 1], low_sums, middle_sums, high_leads, counts)
            filled = 0
        if size > room:
            room = 2 * size
            low_sums, middle_sums, high_leads = _batch_tables(room, members, low, middle)
        for k in range(size):
            lead, row = leads[kept[k]], first[filled] + k
            subset_sums(lead[:low], low_sums[row])
            subset_sums(lead[low : low + middle], middle_sums[row])
            high_leads[row] = lead[low + middle :]
            if ties[kept[k]]:  # wins where the sum of its leads is 0, too
                for e in range(1 << low):
                    low_sums[row, e] = np.nextafter(low_sums[row, e], np.inf)
        first[filled + 1] = first[filled] + size
        filled += 1
    _count_batch(first[: filled + 1], low_sums, middle_sums, high_leads, counts)


@compiled
def _batch_tables(room: int, members: int, low: int, middle: int) -> Any:
    """Tables for `room` competitors: sums of leads over subsets of the low and the middle members, and high leads."""
    return np.empty((room, 1 << low)), np.empty((room, 1 << middle)), np.empty((room, members - low - middle))


@compiled
def _count_batch(first: Any, low_sums: Any, middle_sums: Any, high_leads: Any, counts: Any) -> None:
    """Count for the samples of a batch; sample i has the competitors first[i] : first[i + 1] of the tables."""
    width, rows = low_sums.shape[1], middle_sums.shape[1]
    extremes, thresholds = np.empty((first[-1], 2)), np.empty((first[-1], rows))
    for k in range(first[-1]):
        extremes[k, 0], extremes[k, 1] = low_sums[k].min(), low_sums[k].max()
    undecided, margin = np.empty(first[-1], np.int64), np.empty(width)
    for block in range(len(counts) // (width * rows)):
        block_counts = counts[block * width * rows : (block + 1) * width * rows].reshape(rows, width)
        always = 0  # samples on which all ensembles of the block are correct
        for sample in range(len(first) - 1):
            competitors = range(first[sample], first[sample + 1])
            size = _undecided_competitors(competitors, block, extremes, middle_sums, high_leads, thresholds, undecided)
            if size == 0:
                always += 1
            elif size > 0:
                _count_rows(undecided[:size], low_sums, thresholds, extremes, margin, block_counts)
        block_counts += always


@compiled
def _undecided_competitors(
    competitors: Any, block: int, extremes: Any, middle_sums: Any, high_leads: Any, thresholds: Any, undecided: Any
) -> int:
    """List the competitors that win in some ensembles of a block but not in others; returns their number.

    Returns -1 if one of them wins in all ensembles. Competitor k wins in the ensemble at place e of row r if
    low_sums[k, e] > thresholds[k, r]; `thresholds` are written.
    """
    size = 0
    for k in competitors:
        limits = thresholds[k]
        limits[:] = middle_sums[k]
        for bit in range(high_leads.shape[1]):
            if block >> bit & 1:
                limits += high_leads[k, bit]
        smallest, largest = np.inf, -np.inf
        for r in range(len(limits)):
            limits[r] = -limits[r]
            smallest, largest = min(smallest, limits[r]), max(largest, limits[r])
        if extremes[k, 0] > largest:
            return -1
        if extremes[k, 1] > smallest:
            undecided[size] = k
            size += 1
    return size


@compiled
def _count_rows(
    competitors: Any, low_sums: Any, thresholds: Any, extremes: Any, margin: Any, block_counts: Any
) -> None:
    """Count the ensembles of a block that lose to no competitor on one sample; `margin` is scratch space."""
    for r in range(len(block_counts)):
        counts, contested, beaten = block_counts[r], False, False
        for k in competitors:
            beaten |= extremes[k, 0] > thresholds[k, r]
        if beaten:
            continue
        for k in competitors:
            threshold = thresholds[k, r]
            if extremes[k, 1] > threshold:
                if contested:
                    for e in range(len(margin)):
                        margin[e] = max(margin[e], low_sums[k, e] - threshold)
                else:
                    for e in range(len(margin)):
                        margin[e] = low_sums[k, e] - threshold
                contested = True
        if contested:
            for e in range(len(margin)):
                counts[e] += margin[e] <= 0
        else:
            counts += 1
