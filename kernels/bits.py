"""Outcomes of 64 samples in one word, and how many of them are set."""

from typing import Any

import numpy as np
import torch

from kernels.native import compiled

WORD = 64


@compiled
def count_ones(word: Any) -> Any:
    """The textbook sum by halves, which LLVM turns into the processor's own instruction."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


def words_of(samples: int) -> int:
    return -(-samples // WORD)


def pack_bits(flags: torch.Tensor) -> torch.Tensor:
    """bool [R, N] on the CPU to int64 [R, ceil(N / 64)]: bit n % 64 of word n // 64 is sample n, spare bits are 0."""
    octets = np.zeros((len(flags), words_of(flags.shape[1]) * 8), np.uint8)
    packed = np.packbits(flags.numpy(), axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return torch.from_numpy(octets.view(np.int64))


def unpack_bits(bits: torch.Tensor, samples: int) -> torch.Tensor:
    """int64 [R, ceil(N / 64)] to bool [R, N], on any device: the inverse of `pack_bits`."""
    single = bits[:, :, None] >> torch.arange(WORD, device=bits.device) & 1
    return single.flatten(1)[:, :samples].bool()
