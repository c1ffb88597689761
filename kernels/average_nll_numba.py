"""The NLL of averages on the CPU, compiled by numba; `average_nll` explains the idea."""

import math
from typing import Any

import numpy as np
import torch

from . import cpu
from .cpu import compiled
from .subsets import Ensembles, rows_of, subset_sums, widths

# Samples whose probabilities are multiplied before the exponent is taken out: the floor to this power is above the
# smallest float64, 2e-308, and the largest number of members to this power below the largest.
FACTORS = 20
CACHED_SAMPLES = 100 * FACTORS  # whose sums are held at a time, for a listed ensemble; so products of 20 are never cut
MANTISSA, EXPONENT_0 = (1 << 52) - 1, 1023  # the bits of the mantissa in a float64, and what stands for exponent 0
ONE = EXPONENT_0 << 52  # the bits of 1.0


def nll_numba(probabilities: torch.Tensor, ensembles: Ensembles, floor: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums float64 [E] and numbers of clipped samples int64 [E], as `subsets.rows_of` numbers the ensembles.

    `probabilities` float64 [M, N] on the CPU.
    """
    rows = rows_of(ensembles, len(probabilities))
    sums, clipped = torch.empty(rows, dtype=torch.float64), torch.zeros(rows, dtype=torch.int64)
    results = sums.numpy(), clipped.numpy()
    if isinstance(ensembles, str):
        low, middle = widths(len(probabilities))
        by_sample = probabilities.T.contiguous().numpy()
        blocks = range(rows >> (low + middle))
        cpu.parallel(_sum_block, ((by_sample, block, low, middle, floor, *results) for block in blocks))
    else:
        offsets = torch.nn.functional.pad(ensembles.sum(1).cumsum(0), (1, 0)).numpy()
        members_of = ensembles.nonzero()[:, 1].contiguous().numpy()
        values = probabilities.contiguous().numpy()
        pieces = cpu.ranges(rows)
        cpu.parallel(_sum_listed, ((values, offsets, members_of, *piece, floor, *results) for piece in pieces))
    return sums.clamp_(min=0), clipped


# -------------------------------------------------------------------------------------------------------- all ensembles
#
# Ensembles are numbered by their members. The number's lowest bits are the place within a row, the next ones the row
# within a block, and the highest ones the block. A block stays in the cache while all samples are read.


@compiled
def _sum_block(probabilities: Any, block: int, low: int, middle: int, floor: float, sums: Any, clipped: Any) -> None:
    """The ensembles of one block, over all samples.

    `probabilities` float64 [N, M]; `sums` float64 and `clipped` int64, [2^M]. A row has 2^low ensembles and a block
    2^middle rows.
    """
    samples, members = probabilities.shape
    width, rows = 1 << low, 1 << middle
    mantissas, exponents = np.ones((rows, width)), np.zeros((rows, width), np.int64)
    counts = np.zeros((rows, width), np.int64)
    low_sums, high_sums = np.empty((FACTORS, width)), np.empty((FACTORS, rows))
    low_sizes, high_sizes = np.empty(width), np.empty(rows)
    subset_sums(np.ones(low), low_sizes)
    subset_sums(np.ones(middle), high_sizes)
    for bit in range(members - low - middle):
        high_sizes += block >> bit & 1
    for first in range(0, samples, FACTORS):
        count = min(FACTORS, samples - first)
        _sums_of_batch(probabilities, first, count, block, low, middle, low_sums, high_sums)
        for r in range(rows):
            for i in range(count):
                high = high_sums[i, r]
                if high >= floor * members:  # no mean of the row is below the floor
                    _multiply(mantissas[r], low_sums[i], high)
                else:
                    _multiply_clipped(mantissas[r], low_sums[i], high, low_sizes, high_sizes[r], floor, counts[r])
            _take_exponents(mantissas[r], exponents[r])
    for r in range(rows):
        for e in range(width):
            number = (block * rows + r) * width + e
            sums[number] = _nll(mantissas[r, e], exponents[r, e], low_sizes[e] + high_sizes[r], samples)
            clipped[number] = counts[r, e]


@compiled
def _sums_of_batch(
    probabilities: Any, first: int, count: int, block: int, low: int, middle: int, low_sums: Any, high_sums: Any
) -> None:
    """Of `count` samples, the sums over subsets of the low members, and over the other members of each row."""
    members = probabilities.shape[1]
    values = np.empty(members)
    for i in range(count):
        for member in range(members):  # no slice: it would count references to an array that all threads share
            values[member] = probabilities[first + i, member]
        subset_sums(values[:low], low_sums[i])
        subset_sums(values[low : low + middle], high_sums[i])
        for bit in range(members - low - middle):
            if block >> bit & 1:
                high_sums[i] += values[low + middle + bit]


@compiled
def _multiply(products: Any, low_sums: Any, high: float) -> None:
    for e in range(len(products)):
        products[e] *= low_sums[e] + high


@compiled
def _multiply_clipped(
    products: Any, low_sums: Any, high: float, low_sizes: Any, high_size: float, floor: float, clipped: Any
) -> None:
    """As `_multiply`, where a sum below the floor times the ensemble's size is replaced by that, and counted."""
    for e in range(len(products)):
        least, value = floor * (low_sizes[e] + high_size), low_sums[e] + high
        clipped[e] += np.int64(value < least)
        products[e] *= max(value, least)


@compiled
def _take_exponents(products: Any, exponents: Any) -> None:
    """Divide positive float64 numbers by a power of two, so that they are in [1, 2), and add its exponent."""
    bits = products.view(np.int64)
    for e in range(len(bits)):
        exponents[e] += (bits[e] >> 52) - EXPONENT_0
        bits[e] = (bits[e] & MANTISSA) | ONE


@compiled
def _nll(mantissa: float, exponent: int, size: float, samples: int) -> float:
    """Of the product mantissa × 2^exponent of so many samples' sums over `size` members."""
    return samples * math.log(size) - (math.log(mantissa) + exponent * math.log(2.0))


# ----------------------------------------------------------------------------------------------------- listed ensembles


@compiled
def _sum_listed(
    probabilities: Any, offsets: Any, members_of: Any, start: int, stop: int, floor: float, sums: Any, clipped: Any
) -> None:
    """Ensembles start <= e < stop, of the members members_of[offsets[e] : offsets[e + 1]], over all samples.

    `probabilities` float64 [M, N]; `sums` float64 and `clipped` int64, [E].
    """
    samples = probabilities.shape[1]
    held = np.empty(CACHED_SAMPLES)
    for e in range(start, stop):
        members = members_of[offsets[e] : offsets[e + 1]]
        least, product, exponent = floor * len(members), 1.0, 0
        for first in range(0, samples, CACHED_SAMPLES):
            count = min(CACHED_SAMPLES, samples - first)
            held[:count] = 0
            for member in members:
                for i in range(count):
                    held[i] += probabilities[member, first + i]
            for i in range(count):
                clipped[e] += np.int64(held[i] < least)
                product *= max(held[i], least)
                if i % FACTORS == FACTORS - 1:
                    product, shift = math.frexp(product)
                    exponent += shift
        sums[e] = _nll(product, exponent, float(len(members)), samples)
