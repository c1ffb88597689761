"""Flags of 64 samples packed into one word, and the number of flags that are set in a word.

The population count is written once for each compiler, as the textbook sum by halves: LLVM recognises it and emits the
processor's own instruction (`popcnt` on the CPU, `popc` on the GPU).
"""

# ruff: noqa: N806 (constants in a Triton kernel are written in capitals)

from typing import Any

import numpy as np
import torch

from .cpu import compiled
from .gpu import tl, triton

WORD = 64  # bits


@compiled
def count_ones(word: Any) -> Any:
    """Number of ones in a uint64, for numba."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@triton.jit
def count_ones_triton(words: tl.tensor) -> tl.tensor:
    """Number of ones in every element of an int32 or int64 tensor of any shape, for Triton; the dtype stays."""
    BITS: tl.constexpr = words.dtype.primitive_bitwidth
    ALL: tl.constexpr = (1 << BITS) - 1  # ALL // 3 is 0x5555…, ALL // 5 is 0x3333…, ALL // 17 is 0x0F0F…
    ones = words.to(tl.uint32 if BITS == 32 else tl.uint64, bitcast=True)
    ones = ones - ((ones >> 1) & (ALL // 3))
    ones = (ones & (ALL // 5)) + ((ones >> 2) & (ALL // 5))
    ones = (ones + (ones >> 4)) & (ALL // 17)
    return ((ones * (ALL // 255)) >> (BITS - 8)).to(words.dtype)


def words_of(samples: int) -> int:
    """Number of words that hold a flag for each sample."""
    return -(-samples // WORD)


def pack_bits(flags: torch.Tensor) -> torch.Tensor:
    """bool [R, N] on the CPU to int64 [R, ceil(N / 64)]: bit n % 64 of word n // 64 is sample n, spare bits are 0."""
    octets = np.zeros((len(flags), words_of(flags.shape[1]) * 8), np.uint8)
    packed = np.packbits(flags.numpy(), axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return torch.from_numpy(octets.view(np.int64))
