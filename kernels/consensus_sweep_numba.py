"""The consensus sweep on the CPU, compiled by numba; `consensus_sweep` explains the idea."""

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kernels import cpu
from kernels.bits import WORD, count_ones
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
        offsets = torch.nn.functional.pad(ensembles.sum(1).cumsum(0), (1, 0))
        kernel, description = _sweep_listed, (offsets.numpy(), ensembles.nonzero()[:, 1].contiguous().numpy())

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
        competitors = _leads(scores, sample, labels[sample], vote, marked, favourites, leads, ties)
        size = _skyline(leads, ties, competitors, kept)
        if size > room:
            room = 2 * size
            low_sums, thresholds, extremes = np.empty((room, block)), np.empty((room, blocks)), np.empty((room, 2))
        _tables(leads, ties, kept, size, low_sums, thresholds, extremes)
        _mark_correct(size, low_sums, thresholds, extremes, sample % 64, words, margin)
        if sample % 64 == 63 or sample == stop - 1:
            _flush(words, counts)


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
) -> None:
    """As `_sweep_all`, for the ensembles e whose members are members_of[offsets[e] : offsets[e + 1]]."""
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
            _flush(words, counts)


# ------------------------------------------------------------------------ both: outcomes, and competitors of one sample


@compiled
def _flush(words: Any, counts: Any) -> None:
    """Add the outcomes of up to 64 samples to the counts and clear them."""
    for e in range(len(words)):
        counts[e] += np.int64(count_ones(words[e]))
    words[:] = 0


@compiled
def _leads(
    scores: Any, sample: int, label: int, vote: bool, marked: Any, favourites: Any, leads: Any, ties: Any
) -> int:
    """The competitors of one sample; returns their number.

    Written are the lead of each over the label in each member, `leads` float64 [classes, M], and whether it wins a tie
    with the label, `ties` bool [classes]. `marked` and `favourites` are scratch space.
    """
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
def _mark_above_label(scores: Any, sample: int, label: int, marked: Any) -> None:
    """Mark the classes that beat the label in at least one member; at equal scores the lower class id wins."""
    marked[:] = 0
    for member in range(scores.shape[0]):  # no slices: they would count references to an array that all threads share
        own = scores[member, sample, label]
        for c in range(label):
            marked[c] |= np.uint8(scores[member, sample, c] >= own)
        for c in range(label + 1, scores.shape[2]):
            marked[c] |= np.uint8(scores[member, sample, c] > own)


@compiled
def _vote_weight(scores: Any, sample: int, label: int, marked: Any, favourites: Any) -> float:
    """Mark the class that each member puts first; returns a vote's weight, a power of two above any sum of scores."""
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
def _skyline(leads: Any, ties: Any, count: int, kept: Any) -> int:
    """Write into `kept` the competitors that no other matches or exceeds in every member; returns their number."""
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
