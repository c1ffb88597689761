import numpy as np
import pytest
import torch

from kernels import joint_correctness


def reference(correct: torch.Tensor) -> np.ndarray:
    counts = correct.numpy().astype(np.float64)
    return counts @ counts.T


@pytest.mark.parametrize(("members", "samples"), [(1, 1), (1, 70), (5, 1), (7, 333), (33, 4099), (70, 64)])
@pytest.mark.parametrize("accuracy", [0.0, 0.3, 1.0])
def test_equals_matrix_product(members: int, samples: int, accuracy: float) -> None:
    correct = torch.rand(members, samples, generator=torch.Generator().manual_seed(0)) < accuracy
    counts = joint_correctness(correct)
    assert counts.dtype == torch.int64
    np.testing.assert_array_equal(counts.numpy(), reference(correct))


def test_strided_input() -> None:
    correct = torch.rand(90, 8, generator=torch.Generator().manual_seed(1)) < 0.5
    assert torch.equal(joint_correctness(correct.T), joint_correctness(correct.T.contiguous()))


def test_sums_of_shards_are_the_whole() -> None:
    correct = torch.rand(6, 1000, generator=torch.Generator().manual_seed(2)) < 0.7
    shards = torch.stack([joint_correctness(shard) for shard in correct.split(123, dim=1)])
    assert torch.equal(shards.sum(0), joint_correctness(correct))


@pytest.mark.parametrize(
    ("correct", "message"),
    [
        (torch.zeros(3, dtype=torch.bool), r"correct: expected 2 dimensions"),
        (torch.zeros(0, 3, dtype=torch.bool), r"correct: needs at least one of members"),
        (torch.zeros(3, 2), r"correct: expected dtype torch.bool, got torch.float32"),
    ],
)
def test_refuses(correct: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        joint_correctness(correct)
