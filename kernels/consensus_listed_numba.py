"""The consensus sweep over listed ensembles on the CPU, compiled by numba; `consensus_sweep` explains the idea.

A list is often that of the neighbours of one ensemble: all that have one member more (greedy selection) or one less
(what a member contributes). Then the sums of that ensemble are computed once per sample, and a neighbour adds or takes
away the scores of one member. Where no member can turn the decision, no neighbour is looked at.

A sum in another order may be rounded otherwise. So a sample with a neighbour whose lead is 0 up to rounding, as it is
in every tie, is left to the plain sweep: no count depends on whether the neighbours were recognised.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .consensus_sample_numba import favourite_of, flush, leads_of_sample, skyline
from .cpu import compiled

EPSILON = 2.0**-52


def listed_ensembles(
    ensembles: torch.Tensor, scores: torch.Tensor, vote: bool
) -> tuple[Callable[..., None], tuple[Any, ...]]:
    """The compiled function that counts for `ensembles`, bool [E, M], and what it is told about them."""
    offsets = torch.nn.functional.pad(ensembles.sum(1).cumsum(0), (1, 0))
    listed = (offsets.numpy(), ensembles.nonzero()[:, 1].contiguous().numpy())
    centre = 2 * ensembles.sum(0) > len(ensembles)
    differs = ensembles ^ centre
    if differs.sum(1).max() > 1:
        return _sweep_listed, listed
    differing = differs.long().argmax(1)
    signs = differs.any(1).long() * torch.where(centre[differing], -1, 1)
    bound = scores.max().item()
    weight = 2.0 ** math.ceil(math.log2(2 * (len(scores) + 1) * bound)) if vote and bound > 0 else float(vote)
    members = centre.nonzero()[:, 0].contiguous()
    return _sweep_neighbours, (*listed, members.numpy(), differing.numpy(), signs.numpy(), bound, weight)


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
    """Count over samples [start, stop) for ensembles e of the members members_of[offsets[e] : offsets[e + 1]].

    `scores` float32 or float64 [M, N, C], `labels` int64 [N], `counts` int64 [E].
    """
    members, _, classes = scores.shape
    marked, favourites = np.empty(classes, np.uint8), np.empty(members, np.int64)
    leads, ties, kept = np.empty((classes, members)), np.empty(classes, np.bool_), np.empty(classes, np.int64)
    by_member, thresholds, sums = np.empty((members, classes)), np.empty(classes), np.empty(classes)
    words = np.zeros(len(counts), np.uint64)
    for sample in range(start, stop):
        competitors = leads_of_sample(scores, sample, labels[sample], vote, marked, favourites, leads, ties)
        size = skyline(leads, ties, competitors, kept)
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
            flush(words, counts)


@compiled
def _sweep_neighbours(
    scores: Any,
    labels: Any,
    start: int,
    stop: int,
    vote: bool,
    offsets: Any,
    members_of: Any,
    centre: Any,
    differing: Any,
    signs: Any,
    bound: float,
    weight: float,
    counts: Any,
) -> None:
    """As `_sweep_listed`, where ensemble e is `centre`, a list of members, with one difference.

    Its member differing[e] is added (signs[e] = 1), taken away (-1), or nothing is changed (0). No score is above
    `bound`; a vote counts as a score of `weight`, which is more than any sum of scores, or 0.
    """
    members, _, classes = scores.shape
    sums, rivals = np.empty(classes), np.empty(classes, np.int64)
    changes, worst, always = np.empty((classes, len(counts))), np.empty(len(counts)), 0
    # The largest difference of one member, and twice the error of adding so many, in any order.
    reach = (1 + 1e-9 * members) * (bound + weight)
    doubt = 2 * EPSILON * (members + 2) ** 2 * (bound + weight)
    for sample in range(start, stop):
        label, count, beaten = labels[sample], 0, False
        _add_centre(scores, sample, centre, weight, sums)
        for c in range(classes):
            lead = sums[c] - sums[label]
            beaten |= lead > reach
            if c != label and lead >= -reach:
                rivals[count] = c
                count += 1
        if beaten:
            continue
        if count == 0:
            always += 1
            continue
        _list_changes(scores, sample, differing, signs, weight, label, rivals[:count], changes)
        worst[:] = -np.inf
        for c in rivals[:count]:
            lead, gain, loss = sums[c] - sums[label], changes[c], changes[label]
            for e in range(len(worst)):
                worst[e] = max(worst[e], lead + (gain[e] - loss[e]))
        if np.abs(worst).min() > doubt:
            counts += worst < 0
        else:
            _sweep_listed(scores, labels, sample, sample + 1, vote, offsets, members_of, counts)
    counts += always


@compiled
def _add_centre(scores: Any, sample: int, centre: Any, weight: float, sums: Any) -> None:
    """The centre's sums of scores and votes, float64 [classes]."""
    sums[:] = 0
    for member in centre:
        for c in range(len(sums)):
            sums[c] += scores[member, sample, c]
        if weight:
            sums[favourite_of(scores, sample, member)] += weight


@compiled
def _list_changes(
    scores: Any, sample: int, differing: Any, signs: Any, weight: float, label: int, rivals: Any, changes: Any
) -> None:
    """What each difference adds to the sums of the label and its rivals, in these rows of float64 [classes, E]."""
    for e in range(len(differing)):
        member, sign = differing[e], np.float64(signs[e])
        changes[label, e] = sign * scores[member, sample, label]
        for c in rivals:
            changes[c, e] = sign * scores[member, sample, c]
        if weight:
            changes[favourite_of(scores, sample, member), e] += sign * weight
