"""Order statistics of members' probabilities on the CPU, compiled by numba; `consensus_order` explains the idea."""

import threading
from typing import Any

import numpy as np
import torch

from . import cpu
from .consensus_sample_numba import mark_above_label, skyline
from .cpu import compiled

STATISTICS = ("min", "median", "max")
COPY_ELEMENTS = 1 << 22  # of scores that are copied or widened at a time


def count_numba(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor, statistic: int) -> torch.Tensor:
    """Counts of correct samples, int64 [E]; `statistic` is the place in STATISTICS. All on the CPU."""
    offsets = torch.nn.functional.pad(ensembles.sum(1).cumsum(0), (1, 0)).numpy()
    members_of = ensembles.nonzero()[:, 1].contiguous().numpy()
    counts, lock = torch.zeros(len(ensembles), dtype=torch.int64), threading.Lock()
    copied = max(1, COPY_ELEMENTS // scores[:, 0].numel())

    def work(start: int, stop: int) -> None:
        part = torch.zeros_like(counts)
        for values, first, last, offset in cpu.readable(scores, start, stop, copied):
            _count(values, labels[offset:].numpy(), first, last, statistic, offsets, members_of, part.numpy())
        with lock:
            counts.add_(part)

    cpu.parallel(work, cpu.ranges(scores.shape[1]))
    return counts


@compiled
def _count(
    scores: Any, labels: Any, start: int, stop: int, statistic: int, offsets: Any, members_of: Any, counts: Any
) -> None:
    """Count over samples [start, stop) for ensembles e of the members members_of[offsets[e] : offsets[e + 1]].

    `scores` float32 or float64 [M, N, C], `labels` int64 [N], `counts` int64 [E].
    """
    members, _, classes = scores.shape
    marked, kept = np.empty(classes, np.uint8), np.empty(classes, np.int64)
    values, ties = np.empty((classes, members)), np.empty(classes, np.bool_)
    own, room = np.empty(members), np.empty(members)
    for sample in range(start, stop):
        label = labels[sample]
        mark_above_label(scores, sample, label, marked)
        count = 0
        for c in range(classes):
            if marked[c]:
                for member in range(members):
                    values[count, member] = scores[member, sample, c]
                ties[count] = c < label
                count += 1
        for member in range(members):
            own[member] = scores[member, sample, label]
        size = skyline(values, ties, count, kept)
        for e in range(len(counts)):
            chosen = members_of[offsets[e] : offsets[e + 1]]
            limit, loses = _statistic(own, chosen, statistic, room), False
            for k in kept[:size]:
                value = _statistic(values[k], chosen, statistic, room)
                loses |= value > limit or (value == limit and ties[k])
                if loses:
                    break
            counts[e] += not loses


@compiled
def _statistic(values: Any, chosen: Any, statistic: int, room: Any) -> float:
    """Of the values [M] of the members `chosen`; `room` [M] is scratch space."""
    if statistic == 1:
        count = len(chosen)
        for place in range(count):
            room[place] = values[chosen[place]]
        ascending = np.sort(room[:count])
        return (ascending[(count - 1) // 2] + ascending[count // 2]) / 2
    found = values[chosen[0]]
    for member in chosen:
        found = min(found, values[member]) if statistic == 0 else max(found, values[member])
    return found
