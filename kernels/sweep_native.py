"""The consensus sweep in machine code for the CPU; the idea is told in `consensus_sweep`."""

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kernels import native
from kernels.bits import WORD, count_ones
from kernels.native import compiled
from kernels.subsets import Ensembles, rows_of

LOW_MEMBERS = 7
COPY_ELEMENTS = 1 << 22


# -------------------------------------------------------------------------------------------- competitors of one sample


@compiled
def _mark_above_label(scores: Any, sample: int, label: int, marked: Any) -> None:
    """Classes that beat the label in at least one member: at equal score only those with a lower index."""
    marked[:] = 0
    for member in range(scores.shape[0]):  # indexed in full: a slice would count references to what all threads share
        own = scores[member, sample, label]
        for c in range(label):
            marked[c] |= np.uint8(scores[member, sample, c] >= own)
        for c in range(label + 1, scores.shape[2]):
            marked[c] |= np.uint8(scores[member, sample, c] > own)


@compiled
def _vote_weight(scores: Any, sample: int, label: int, marked: Any, favourites: Any) -> float:
    """Mark every member's favourite; returns a power of two above any sum of scores: what one vote must weigh."""
    marked[:] = 0
    total = 0.0
    for member in range(scores.shape[0]):
        best = 0
        for c in range(1, scores.shape[2]):
            if scores[member, sample, c] > scores[member, sample, best]:
                best = c
        favourites[member] = best
        marked[best] = 1
        total += scores[member, sample, best]
    marked[label] = 0
    return math.ldexp(1.0, math.frexp(total)[1] + 1)


@compiled
def _leads(
    scores: Any, sample: int, label: int, vote: bool, marked: Any, favourites: Any, leads: Any, ties: Any
) -> int:
    """Write each competitor's lead over the label in each member, and whether it wins ties; returns their number."""
    weight = 0.0
    if vote:
        weight = _vote_weight(scores, sample, label, marked, favourites)
    else:
        _mark_above_label(scores, sample, label, marked)
    count = 0
    for c in range(scores.shape[2]):
        if marked[c]:
            for member in range(scores.shape[0]):
                lead = np.float64(scores[member, sample, c]) - np.float64(scores[member, sample, label])
                if vote:
                    lead += weight * (np.float64(favourites[member] == c) - np.float64(favourites[member] == label))
                leads[count, member] = lead
            ties[count] = c < label
            count += 1
    return count


@compiled
def _skyline(leads: Any, ties: Any, count: int, kept: Any) -> int:
    """Write into `kept` the competitors that no other one matches or exceeds in every member; returns their number."""
    strength = np.empty(count)
    for k in range(count):
        strength[k] = -leads[k].sum()
    size = 0
    for k in np.argsort(strength):  # strongest first: a competitor can only be dominated by one that came before
        dominated = False
        for other in kept[:size]:
            if ties[k] and not ties[other]:
                continue
            dominated = True
            for member in range(leads.shape[1]):
                if leads[k, member] > leads[other, member]:
                    dominated = False
                    break
            if dominated:
                break
        if not dominated:
            kept[size] = k
            size += 1
    return size


# -------------------------------------------------------------------------------------------------------- all ensembles


@compiled
def _subset_sums(values: Any, sums: Any) -> None:
    """sums[e] = the sum of the values at the set bits of e."""
    sums[0] = 0.0
    for bit in range(len(values)):
        for e in range(1 << bit):
            sums[e + (1 << bit)] = sums[e] + values[bit]


@compiled
def _tables(leads: Any, ties: Any, kept: Any, size: int, low_sums: Any, thresholds: Any, extremes: Any) -> None:
    """Ensemble (high, low) loses to competitor k if low_sums[k, low] > thresholds[k, high]."""
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
def _mark_right(size: int, low_sums: Any, thresholds: Any, extremes: Any, bit: int, words: Any, margin: Any) -> None:
    """Set `bit` in the word of each ensemble that loses to no competitor."""
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


@compiled
def _flush(words: Any, counts: Any, bits: Any, column: int) -> None:
    """Add the finished words of 64 samples to the counts, keep them if `bits` has columns, and clear them."""
    for e in range(len(words)):
        counts[e] += np.int64(count_ones(words[e]))
    if bits.shape[1] > 0:
        for e in range(len(words)):
            bits[e, column] = words[e]
    words[:] = 0


@compiled
def _sweep_all(
    scores: Any, labels: Any, start: int, stop: int, vote: bool, low: int, counts: Any, bits: Any, column: int
) -> None:
    """Samples [start, stop), the first in word `column` of bits; ensemble e consists of the set bits of e."""
    members, _, classes = scores.shape
    marked, favourites = np.empty(classes, np.uint8), np.empty(members, np.int64)
    leads, ties, kept = np.empty((classes, members)), np.empty(classes, np.bool_), np.empty(classes, np.int64)
    room, block, blocks = 64, 1 << low, 1 << (members - low)
    low_sums, thresholds, extremes = np.empty((room, block)), np.empty((room, blocks)), np.empty((room, 2))
    words, margin = np.zeros(len(counts), np.uint64), np.empty(block)
    for sample in range(start, stop):
        competitors = _leads(scores, sample, labels[sample], vote, marked, favourites, leads, ties)
        size = _skyline(leads, ties, competitors, kept)
        if size > room:
            room = 2 * size
            low_sums, thresholds, extremes = np.empty((room, block)), np.empty((room, blocks)), np.empty((room, 2))
        _tables(leads, ties, kept, size, low_sums, thresholds, extremes)
        _mark_right(size, low_sums, thresholds, extremes, sample % 64, words, margin)
        if sample % 64 == 63 or sample == stop - 1:
            _flush(words, counts, bits, column + (sample - start) // 64)


# ----------------------------------------------------------------------------------------------------- listed ensembles


@compiled
def _sweep_listed(
    scores: Any,
    labels: Any,
    start: int,
    stop: int,
    vote: bool,
    offsets: Any,
    members_of: Any,
    counts: Any,
    bits: Any,
    column: int,
) -> None:
    """As `_sweep_all`, for ensembles whose members are members_of[offsets[e]:offsets[e + 1]]."""
    members, _, classes = scores.shape
    marked, favourites = np.empty(classes, np.uint8), np.empty(members, np.int64)
    leads, ties, kept = np.empty((classes, members)), np.empty(classes, np.bool_), np.empty(classes, np.int64)
    by_member, thresholds, sums = np.empty((members, classes)), np.empty(classes), np.empty(classes)
    words = np.zeros(len(counts), np.uint64)
    for sample in range(start, stop):
        competitors = _leads(scores, sample, labels[sample], vote, marked, favourites, leads, ties)
        size = _skyline(leads, ties, competitors, kept)
        for k in range(size):
            thresholds[k] = np.nextafter(0.0, -np.inf) if ties[kept[k]] else 0.0
            by_member[:, k] = leads[kept[k]]
        for e in range(len(counts)):
            sums[:size] = 0
            for member in members_of[offsets[e] : offsets[e + 1]]:
                for k in range(size):
                    sums[k] += by_member[member, k]
            loses = False
            for k in range(size):
                loses |= sums[k] > thresholds[k]
            words[e] |= np.uint64(not loses) << np.uint64(sample % 64)
        if sample % 64 == 63 or sample == stop - 1:
            _flush(words, counts, bits, column + (sample - start) // 64)


# ------------------------------------------------------------------------------------------------------------- launcher


def sweep_native(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool, bits: torch.Tensor
) -> torch.Tensor:
    """Counts int64 [E]; `bits` int64 [E, words], or [E, 0] where they are not wanted, is filled."""
    rows = rows_of(ensembles, len(scores))
    counts, lock = torch.zeros(rows, dtype=torch.int64), threading.Lock()
    kernel: Callable[..., None]
    description: tuple[Any, ...]
    if isinstance(ensembles, str):
        kernel, description = _sweep_all, (min(len(scores), LOW_MEMBERS),)
    else:
        offsets = torch.nn.functional.pad(ensembles.sum(1).cumsum(0), (1, 0))
        kernel, description = _sweep_listed, (offsets.numpy(), ensembles.nonzero()[:, 1].contiguous().numpy())

    words = bits.numpy().view(np.uint64)
    copied = WORD * max(1, COPY_ELEMENTS // (scores[:, 0].numel() * WORD))

    def work(start: int, stop: int) -> None:
        part = torch.zeros_like(counts)
        for values, first, last, offset in native.readable(scores, start, stop, copied):
            column = (first + offset) // WORD
            kernel(values, labels[offset:].numpy(), first, last, vote, *description, part.numpy(), words, column)
        with lock:
            counts.add_(part)

    native.parallel(work, native.ranges(scores.shape[1], WORD))
    return counts
