"""CKA of activations against the definition of the unbiased estimate as a sum over quadruples."""

from itertools import combinations, permutations

import numpy as np
import pytest
import torch

from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs
from tests.unit.training.losses.reference import IMAGES, equal_members, gradients_are_right, outputs, value


def hsic(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over ordered quadruples of different images of k_ij (l_ij + l_qr - 2 l_iq) (Song et al. 2012)."""
    first, second = a @ a.T, b @ b.T
    quadruples = permutations(range(len(a)), 4)
    terms = [first[i, j] * (second[i, j] + second[q, r] - 2 * second[i, q]) for i, j, q, r in quadruples]
    return float(np.mean(terms))


def by_definition(activations: list[torch.Tensor]) -> float:
    arrays = [member.numpy() for member in activations]
    pairs = [hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b)) for a, b in combinations(arrays, 2)]
    return float(np.mean(pairs))


@pytest.mark.parametrize("seed", range(3))
def test_definition(seed: int) -> None:
    of = outputs(seed)
    assert value("activation", of) == pytest.approx(by_definition(of.activations), rel=1e-9)


def test_equal_members_rotations_and_shifts() -> None:
    assert value("activation", equal_members()) == pytest.approx(1)
    of = outputs(5)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    moved = Outputs(of.logits, of.labels, [of.activations[0] @ turn * 7 + 1000, *of.activations[1:]])
    assert value("activation", moved) == pytest.approx(value("activation", of), rel=1e-6)


def test_members_that_do_not_vary_count_as_zero_and_have_no_gradient() -> None:
    constant = torch.full((IMAGES, 4), 3.0, requires_grad=True)
    other = torch.randn(IMAGES, 4, generator=torch.Generator().manual_seed(2)).requires_grad_()
    found = LOSS_TERMS["activation"].value(Outputs(torch.zeros(2, IMAGES, 2), torch.zeros(IMAGES), [constant, other]))
    found.backward()
    assert found.item() == 0
    assert constant.grad is not None
    assert other.grad is not None
    assert not constant.grad.any()
    assert not other.grad.any()


def test_independent_activations_of_a_small_batch_are_not_similar_on_average() -> None:
    """The plain estimate of CKA would be far above 0 for a batch of 8 images and 64 units."""
    found = []
    for seed in range(200):
        stream = torch.Generator().manual_seed(seed)
        pair = [torch.randn(8, 64, generator=stream, dtype=torch.float64) for _ in range(2)]
        found.append(value("activation", Outputs(torch.zeros(2, 8, 2), torch.zeros(8), pair)))
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))


def test_gradient() -> None:
    of = outputs(1)
    term = LOSS_TERMS["activation"].value
    assert gradients_are_right(lambda *inputs: term(Outputs(of.logits, of.labels, list(inputs))), *of.activations)
