"""What must hold for any input, searched by hypothesis: few members and samples, also across words."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import (
    attribution_similarity,
    cka,
    consensus_sweep,
    disagreement,
    joint_correctness,
    js_divergence,
)

MEMBERS = st.integers(1, 9)
SAMPLES = st.one_of(st.integers(1, 9), st.sampled_from([63, 64, 65, 129]))
SEEDS = st.integers(0, 2**31)
settings.register_profile("kernels", settings.get_profile("unhurried"), max_examples=25, derandomize=True)
settings.load_profile("kernels")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def predictions(members: int, samples: int, seed: int) -> torch.Tensor:
    return torch.randint(1 << (seed % 17), (members, samples), generator=generator(seed))


def correctness(members: int, samples: int, seed: int) -> torch.Tensor:
    return predictions(members, samples, seed) % 3 > 0


def probabilities(members: int, samples: int, seed: int) -> torch.Tensor:
    scale = 10.0 ** (seed % 7 - 2)
    return (scale * torch.randn(members, samples, 1 + seed % 11, generator=generator(seed))).softmax(2)


def attributions(members: int, samples: int, seed: int) -> torch.Tensor:
    maps = torch.randn(members, samples, 1 + seed % 70, generator=generator(seed))
    return maps * (torch.rand(members, samples, 1, generator=generator(seed + 1)) < 0.9)


def representations(members: int, samples: int, seed: int) -> torch.Tensor:
    return torch.randn(members, samples, 1 + seed % 20, generator=generator(seed))


Pairwise = Callable[[torch.Tensor], torch.Tensor]
PAIRWISE = {
    "disagreement": (disagreement, predictions, 0, 0, 1),
    "joint_correctness": (joint_correctness, correctness, None, 0, math.inf),
    "js_divergence": (js_divergence, probabilities, 0, 0, math.log(2)),
    "cosine": (attribution_similarity, attributions, 1, -1, 1),
    "pearson": (lambda maps: attribution_similarity(maps, "pearson"), attributions, 1, -1, 1),
    "spearman": (lambda maps: attribution_similarity(maps, "spearman"), attributions, 1, -1, 1),
    "topk_iou": (lambda maps: attribution_similarity(maps, "topk_iou"), attributions, 1, 0, 1),
    "cka": (lambda features: cka(list(features)), representations, None, 0, 1),
}


@pytest.mark.parametrize("name", PAIRWISE)
@given(members=MEMBERS, samples=SAMPLES, seed=SEEDS)
def test_pairwise_matrices(name: str, members: int, samples: int, seed: int) -> None:
    kernel, make, diagonal, low, high = PAIRWISE[name]
    values = make(members, samples, seed)
    matrix = kernel(values)
    assert torch.equal(matrix.nan_to_num(-2), matrix.T.nan_to_num(-2))
    assert ((matrix >= low) & (matrix <= high) | matrix.isnan()).all()
    if diagonal is not None:
        assert torch.equal(matrix.diagonal(), torch.full((members,), diagonal, dtype=torch.float64))
    order = torch.randperm(members, generator=generator(seed))
    torch.testing.assert_close(kernel(values[order]), matrix[order][:, order], rtol=1e-9, atol=1e-6, equal_nan=True)
    shuffled = values[:, torch.randperm(samples, generator=generator(seed))]
    torch.testing.assert_close(kernel(shuffled), matrix, rtol=1e-9, atol=2e-6, equal_nan=True)


@pytest.mark.parametrize("consensus", ["average", "vote"])
@given(members=MEMBERS, samples=SAMPLES, seed=SEEDS)
def test_sweep_agrees_with_the_plain_loop(consensus: str, members: int, samples: int, seed: int) -> None:
    """Exactly, except where the two largest sums differ by no more than rounding: those may fall either way."""
    scores = probabilities(members, samples, seed)
    labels = torch.randint(scores.shape[2], (samples,), generator=generator(seed + 2))
    counts = consensus_sweep(scores, labels, consensus=consensus)  # type: ignore[arg-type]
    for e in range(1, 1 << members):
        chosen = scores[[m for m in range(members) if e >> m & 1]].double()
        sums = chosen.mean(0)
        if consensus == "vote":
            sums = sums + torch.nn.functional.one_hot(chosen.argmax(2), scores.shape[2]).sum(0) * 2
        top = sums.topk(min(2, sums.shape[1])).values
        doubtful = (top[:, 0] - top[:, -1] <= 1e-12 * top[:, 0].abs()).sum().item() if sums.shape[1] > 1 else 0
        right = (sums.argmax(1) == labels).sum().item()
        assert abs(int(counts[e - 1]) - right) <= doubtful


@given(members=MEMBERS, samples=SAMPLES, seed=SEEDS)
def test_sweep_of_listed_ensembles_is_that_of_all(members: int, samples: int, seed: int) -> None:
    scores = probabilities(members, samples, seed)
    labels = torch.randint(scores.shape[2], (samples,), generator=generator(seed + 2))
    counts = consensus_sweep(scores, labels)
    listed = (torch.arange(1, 1 << members)[:, None] >> torch.arange(members) & 1).bool()
    assert torch.equal(consensus_sweep(scores, labels, listed), counts)
    single = consensus_sweep(scores, labels, torch.eye(members, dtype=torch.bool))
    assert torch.equal(single, (scores.argmax(2) == labels).sum(1))


@given(members=MEMBERS, samples=SAMPLES, seed=SEEDS)
def test_sweep_order_of_members_and_samples_does_not_matter(members: int, samples: int, seed: int) -> None:
    scores = probabilities(members, samples, seed)
    labels = torch.randint(scores.shape[2], (samples,), generator=generator(seed + 2))
    listed = torch.rand(7, members, generator=generator(seed)) < 0.5
    listed[:, seed % members] = True
    order = torch.randperm(members, generator=generator(seed))
    shuffle = torch.randperm(samples, generator=generator(seed))
    doubtful_free = consensus_sweep(scores.double(), labels, listed)
    permuted = consensus_sweep(scores.double()[order][:, shuffle], labels[shuffle], listed[:, order])
    assert torch.equal(permuted, doubtful_free)
