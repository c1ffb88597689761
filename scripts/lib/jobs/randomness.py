"""Derived streams of random numbers: one seed, and a stream of its own for each purpose."""

import hashlib
import random

import numpy as np


def derive(seed: int, *purpose: str | int) -> int:
    """A 31-bit seed for one purpose, such as `derive(7, "order", epoch)`; equal arguments give equal streams."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def seed_everything(seed: int) -> None:
    """Start the global generators of Python, NumPy and torch, which libraries draw from, at `seed`."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
