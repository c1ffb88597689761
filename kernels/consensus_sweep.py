"""How many samples each ensemble of a set of members gets right.

The idea. An ensemble is right on a sample if and only if no class beats the label there. Three facts make the sweep
over all 2^M - 1 ensembles cheap:

1. A class that is below the label in every member beats it in no ensemble, and neither does a class that another class
   matches or exceeds in every member matter. What is left is the *skyline* of the sample, a handful of competitors,
   each the vector of its leads over the label, one number a member.
2. The lead of a competitor in ensemble e is `low_sums[e mod 2^LOW] + high_sums[e div 2^LOW]`: two small tables. To ask
   whether it is positive is one comparison, `low_sums[i] > -high_sums[j]`, on contiguous numbers.
3. The largest and smallest entry of `low_sums` decide most blocks of 2^LOW ensembles at once: no ensemble of the block
   lost to this competitor, or all of them.

Leads are float64 differences of the scores, exact for float16 and almost always for float32, so equal sums are seen as
equal and a tie goes where `argmax` sends it: to the lowest class index.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import math
import threading
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import torch

from kernels import checks, gpu, native
from kernels.bits import WORD, count_ones, words_of
from kernels.gpu import tl, triton
from kernels.native import compiled

Consensus = Literal["average", "average_logits", "vote"]
Ensembles = torch.Tensor | Literal["all"]

MAX_MEMBERS_OF_ALL = 20
LOW_MEMBERS = 7
COPY_ELEMENTS = 1 << 22
GPU_ENSEMBLES, GPU_MEMBERS, GPU_CLASSES = 128, 32, 512  # a program's tile of ensembles; steps over members and classes
GPU_LISTED = 1 << 26  # room for competitors, samples × classes


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


# ----------------------------------------------------------------------------------------------------------- on the GPU


@triton.jit
def _competitors_kernel(
    scores: tl.tensor,
    labels: tl.tensor,
    favourites: tl.tensor,
    listed: tl.tensor,
    sizes: tl.tensor,
    members: tl.tensor,
    samples: tl.tensor,
    classes: tl.tensor,
    first: tl.tensor,
    VOTE: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """listed[i, :sizes[i]] = classes of sample first + i above its label in a member (VOTE: a member's favourite)."""
    i = tl.program_id(0).to(tl.int64)
    sample = first + i
    label = tl.load(labels + sample)
    size = 0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        marked = tl.zeros((BLOCK,), tl.int32)
        for member in range(members):
            if VOTE:
                marked |= (c == tl.load(favourites + member * samples + sample)).to(tl.int32)
            else:
                row = scores + (member * samples + sample) * classes
                score, own = tl.load(row + c, c < classes, other=0), tl.load(row + label)
                marked |= ((score > own) | ((score == own) & (c < label))).to(tl.int32)
        marked = tl.where((c < classes) & (c != label), marked, 0)
        tl.store(listed + i * classes + size + tl.cumsum(marked, 0) - 1, c, marked > 0)
        size += tl.sum(marked, 0)
    tl.store(sizes + i, size)


@triton.jit
def _sweep_kernel(
    scores: tl.tensor,
    labels: tl.tensor,
    favourites: tl.tensor,
    weights: tl.tensor,
    listed: tl.tensor,
    sizes: tl.tensor,
    chosen: tl.tensor,
    counts: tl.tensor,
    bits: tl.tensor,
    members: tl.tensor,
    samples: tl.tensor,
    classes: tl.tensor,
    ensembles: tl.tensor,
    first: tl.tensor,
    count: tl.tensor,
    words: tl.tensor,
    VOTE: tl.constexpr,
    KEEP_BITS: tl.constexpr,
    ENSEMBLES: tl.constexpr,
    MEMBERS: tl.constexpr,
) -> None:
    """One word of 64 samples, from sample `first` on, for a tile of ensembles, float64 like the CPU's."""
    e, word = tl.program_id(0) * ENSEMBLES + tl.arange(0, ENSEMBLES), tl.program_id(1).to(tl.int64)
    outcome = tl.zeros((ENSEMBLES,), tl.int64)
    for lane in range(min(64, count - word * 64)):
        i = word * 64 + lane
        sample = first + i
        label = tl.load(labels + sample)
        lost = tl.zeros((ENSEMBLES,), tl.int32)
        for k in range(tl.load(sizes + i)):
            c = tl.load(listed + i * classes + k)
            sums = tl.zeros((ENSEMBLES,), tl.float64)
            for start in range(0, members, MEMBERS):
                m = start + tl.arange(0, MEMBERS)
                row = scores + (m.to(tl.int64) * samples + sample) * classes
                lead = tl.load(row + c, m < members, other=0).to(tl.float64)
                lead -= tl.load(row + label, m < members, other=0).to(tl.float64)
                if VOTE:
                    favourite = tl.load(favourites + m.to(tl.int64) * samples + sample, m < members, other=-1)
                    votes = (favourite == c).to(tl.float64) - (favourite == label).to(tl.float64)
                    lead += tl.load(weights + sample) * votes
                inside = (e < ensembles)[:, None] & (m < members)[None, :]
                member_of = tl.load(chosen + e[:, None].to(tl.int64) * members + m[None, :], inside, other=0)
                sums += tl.sum(tl.where(member_of != 0, lead[None, :], 0.0), 1)
            lost |= ((sums > 0) | ((sums == 0) & (c < label))).to(tl.int32)
        outcome |= (1 - lost).to(tl.int64) << lane
    ones = outcome.to(tl.uint64, bitcast=True)  # the sum by halves; LLVM makes one popc of it
    ones = ones - ((ones >> 1) & 0x5555555555555555)
    ones = (ones & 0x3333333333333333) + ((ones >> 2) & 0x3333333333333333)
    ones = (ones + (ones >> 4)) & 0x0F0F0F0F0F0F0F0F
    tl.atomic_add(counts + e, ((ones * 0x0101010101010101) >> 56).to(tl.int64), e < ensembles)
    if KEEP_BITS:
        tl.store(bits + e.to(tl.int64) * words + first // 64 + word, outcome, e < ensembles)


def _sweep_triton(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool, bits: torch.Tensor
) -> torch.Tensor:
    scores = scores.contiguous()
    members, samples, classes = scores.shape
    rows = _rows(ensembles, members)
    chosen = _chosen(ensembles, 0, rows, scores).to(torch.int8)
    counts = torch.zeros(rows, dtype=torch.int64, device=scores.device)
    favourites, weights = (scores.argmax(2), _vote_weights(scores)) if vote else (labels, labels)
    step = WORD * max(1, GPU_LISTED // (classes * WORD))
    listed = torch.empty(min(step, samples), classes, dtype=torch.int32, device=scores.device)
    sizes = torch.empty(len(listed), dtype=torch.int32, device=scores.device)
    block = min(GPU_CLASSES, gpu.power_of_2(classes))
    for first in range(0, samples, step):
        count = min(step, samples - first)
        with gpu.on(scores):
            _competitors_kernel[(count,)](
                scores, labels, favourites, listed, sizes, members, samples, classes, first, VOTE=vote, BLOCK=block
            )
            _sweep_kernel[(gpu.cdiv(rows, GPU_ENSEMBLES), words_of(count))](
                scores,
                labels,
                favourites,
                weights,
                listed,
                sizes,
                chosen,
                counts,
                bits,
                members,
                samples,
                classes,
                rows,
                first,
                count,
                bits.shape[1],
                VOTE=vote,
                KEEP_BITS=bits.shape[1] > 0,
                ENSEMBLES=GPU_ENSEMBLES,
                MEMBERS=min(GPU_MEMBERS, gpu.power_of_2(members)),
                num_warps=4,
            )
    return counts


def _vote_weights(scores: torch.Tensor) -> torch.Tensor:
    """float64 [N]: a power of two above any sum of a sample's scores."""
    return torch.exp2(torch.floor(torch.log2(scores.amax(2).double().sum(0).clamp_min(1e-300))) + 2)


# ------------------------------------------------------------------------------------------------------------ launchers


def _sweep_native(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool, bits: torch.Tensor
) -> torch.Tensor:
    rows = _rows(ensembles, len(scores))
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


def _sweep_torch(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool, bits: torch.Tensor
) -> torch.Tensor:
    """The definition, in blocks: for devices without a kernel of their own, and where numba is missing."""
    rows = _rows(ensembles, len(scores))
    counts = torch.zeros(rows, dtype=torch.int64, device=scores.device)
    shifts = torch.arange(WORD, device=scores.device)
    elements = WORD * scores.shape[2]
    step = max(1, COPY_ELEMENTS // elements)
    for start in range(0, scores.shape[1], WORD):
        values = scores[:, start : start + WORD].double()
        for first in range(0, rows, step):
            chosen = _chosen(ensembles, first, min(rows, first + step), values)
            right = _winners(values, chosen, vote) == labels[start : start + WORD]
            counts[first : first + step] += right.sum(1)
            if bits.shape[1] > 0:
                bits[first : first + step, start // WORD] = (right.long() << shifts[: right.shape[1]]).sum(1)
    return counts


def _chosen(ensembles: Ensembles, first: int, last: int, values: torch.Tensor) -> torch.Tensor:
    """Membership of ensembles [first, last) as numbers [ensembles, members] that multiply `values`."""
    if not isinstance(ensembles, str):
        return ensembles[first:last].to(values.dtype)
    numbers = torch.arange(first, last, device=values.device)
    return (numbers[:, None] >> torch.arange(len(values), device=values.device) & 1).to(values.dtype)


def _winners(scores: torch.Tensor, chosen: torch.Tensor, vote: bool) -> torch.Tensor:
    """The class that each ensemble of the block decides for, [ensembles, samples]."""
    sums = torch.einsum("em,mnc->enc", chosen, scores)
    if vote:
        favourites = torch.nn.functional.one_hot(scores.argmax(2), scores.shape[2]).to(scores.dtype)
        votes = torch.einsum("em,mnc->enc", chosen, favourites)
        sums = torch.where(votes == votes.amax(2, keepdim=True), sums, -1)
    return sums.argmax(2)


# ----------------------------------------------------------------------------------------------------- public functions


def consensus_sweep(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    ensembles: Ensembles = "all",
    consensus: Consensus = "average",
) -> torch.Tensor:
    """Number of samples that each ensemble gets right.

    Args:
        probabilities: float [M, N, C], finite and not negative; logits [M, N, C] where consensus is "average_logits".
        labels: integer [N], class ids in [0, C).
        ensembles: "all" for the 2^M - 1 non-empty subsets of up to 20 members, where row e - 1 of the result is the
            ensemble whose members are the set bits of e; or bool [E, M], one ensemble a row, none of them empty.
        consensus: "average" and "average_logits" decide for the class with the largest sum of scores; "vote" for the
            one that most members put first, ties broken by summed probability. What is still tied goes to the lowest
            class.

    Returns:
        int64 [E]. Counts of shards of samples add up. They equal those of `probabilities[members].mean(0).argmax(-1)`
        wherever the two largest sums differ by more than rounding.

    Raises:
        ValueError: names the argument and the first offending index.

    Cost: one pass over the input, then per sample and skyline competitor at most 2^M / 2^7 table look-ups and 2^M
    comparisons ("all"), or as many additions as the listed ensembles have members. Memory beside the input, on the
    CPU: 24 E bytes and some 100 KB a thread; never E × N × C.
    """
    return _sweep(probabilities, labels, ensembles, consensus, keep_bits=False)[0]


def consensus_bits(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    ensembles: Ensembles = "all",
    consensus: Consensus = "average",
) -> torch.Tensor:
    """Which samples each ensemble gets right, packed: what resampling of samples needs.

    Arguments, errors and cost as `consensus_sweep`. Returns int64 [E, ceil(N / 64)]: bit n % 64 of word n // 64 is
    sample n, as `unpack_bits` reads it.
    """
    return _sweep(probabilities, labels, ensembles, consensus, keep_bits=True)[1]


def _sweep(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, consensus: Consensus, keep_bits: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    _check(scores, labels, ensembles, consensus)
    words = words_of(scores.shape[1]) if keep_bits else 0
    bits = torch.zeros(_rows(ensembles, len(scores)), words, dtype=torch.int64, device=scores.device)
    sweep = _sweep_torch
    if gpu.usable(scores):
        sweep = _sweep_triton
    elif native.worthwhile(scores, len(bits) * scores.numel()):
        sweep = _sweep_native
    counts = sweep(scores, labels.long().contiguous(), ensembles, consensus == "vote", bits)
    return (counts[1:], bits[1:]) if isinstance(ensembles, str) else (counts, bits)


def _rows(ensembles: Ensembles, members: int) -> int:
    """Rows of the kernels' results: "all" includes the empty ensemble, e = 0, which the public functions leave out."""
    return 1 << members if isinstance(ensembles, str) else len(ensembles)


def _check(scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, consensus: Consensus) -> None:
    checks.require_tensor("probabilities", scores, "members, samples, classes")
    checks.require_float("probabilities", scores)
    members, samples, classes = scores.shape
    checks.require_tensor("labels", labels, "samples")
    checks.require_integer("labels", labels)
    checks.require_same_device("labels", labels, scores.device)
    if len(labels) != samples:
        raise ValueError(f"labels: has {len(labels)} samples, probabilities has {samples}")
    checks.require_range("labels", labels, 0, classes)
    checks.require_choice("consensus", consensus, get_args(Consensus))
    _check_ensembles(ensembles, members, scores.device)
    if consensus == "average_logits":
        checks.require_finite("probabilities", scores)
    else:
        checks.require_probabilities("probabilities", scores)


def _check_ensembles(ensembles: Ensembles, members: int, device: torch.device) -> None:
    if isinstance(ensembles, str):
        checks.require_choice("ensembles", ensembles, ["all"])
        if members > MAX_MEMBERS_OF_ALL:
            raise ValueError(f'ensembles: "all" takes up to {MAX_MEMBERS_OF_ALL} members, got {members}; list them')
        return
    checks.require_tensor("ensembles", ensembles, "ensembles, members")
    checks.require_bool("ensembles", ensembles)
    checks.require_same_device("ensembles", ensembles, device)
    if ensembles.shape[1] != members:
        raise ValueError(f"ensembles: has {ensembles.shape[1]} members, probabilities has {members}")
    empty = (~ensembles.any(1)).nonzero()
    if len(empty):
        raise ValueError(f"ensembles[{empty[0].item()}]: has no member")
