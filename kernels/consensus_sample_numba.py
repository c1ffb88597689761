"""One sample of the consensus sweep on the CPU: competitors and outcomes; `consensus_sweep` explains the idea."""

import math
from typing import Any

import numpy as np

from .bits import count_ones
from .cpu import compiled


@compiled
def flush(words: Any, counts: Any) -> None:
    """Add the outcomes of up to 64 samples to the counts and clear them."""
    for e in range(len(words)):
        counts[e] += np.int64(count_ones(words[e]))
    words[:] = 0


@compiled
def leads_of_sample(
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
        mark_above_label(scores, sample, label, marked)
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
def mark_above_label(scores: Any, sample: int, label: int, marked: Any) -> None:
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
        best = favourite_of(scores, sample, member)
        favourites[member] = best
        marked[best] = 1
        total += scores[member, sample, best]
    marked[label] = 0
    return math.ldexp(1.0, math.frexp(total)[1] + 1)


@compiled
def favourite_of(scores: Any, sample: int, member: int) -> int:
    """The class that a member puts first; of equals, the lowest."""
    best, highest = 0, scores[member, sample, 0]
    for c in range(1, scores.shape[2]):
        score = scores[member, sample, c]
        best, highest = (c, score) if score > highest else (best, highest)
    return best


@compiled
def skyline(leads: Any, ties: Any, count: int, kept: Any) -> int:
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
