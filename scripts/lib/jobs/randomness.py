"""Separate streams of random numbers for each purpose, derived from one seed."""

import hashlib
import random

import numpy as np


def derive(seed: int, *purpose: str | int) -> int:
    """A 31-bit seed for one purpose, such as `derive(7, "order", epoch)`; equal arguments give equal streams."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and torch, which libraries use."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
