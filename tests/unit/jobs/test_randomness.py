"""One seed, and a stream of its own for each purpose."""

import random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as some

from scripts.lib.jobs.randomness import derive, seed_everything


def test_a_derived_seed_never_changes() -> None:
    assert derive(7, "order", 3) == 0x19CD1680 >> 1  # printf 7/order/3 | sha256sum; another value changes every study


def test_purposes_members_and_epochs_have_streams_of_their_own() -> None:
    purposes = ("images", "initialisation", "order", "augmentation")
    seeds = {derive(seed, purpose, epoch) for seed in range(50) for purpose in purposes for epoch in range(50)}
    assert len(seeds) > 50 * 4 * 50 - 5  # 31 bits: an accidental pair is possible


@given(some.integers(0, 2**40), some.text(max_size=20))
def test_a_derived_seed_suits_every_generator(seed: int, purpose: str) -> None:
    derived = derive(seed, purpose)
    assert 0 <= derived < 2**31
    np.random.default_rng(derived)
    torch.Generator().manual_seed(derived)


def draws() -> list[float]:
    return [random.random(), np.random.random(), torch.rand(()).item()]


def test_the_global_generators_start_again_at_a_seed() -> None:
    seed_everything(5)
    first = draws()
    seed_everything(5)
    assert draws() == first
    seed_everything(6)
    assert all(new != old for new, old in zip(draws(), first, strict=True))
