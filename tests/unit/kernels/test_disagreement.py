import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from kernels import disagreement


def reference(predictions: torch.Tensor) -> np.ndarray:
    return squareform(pdist(predictions.numpy().astype(np.float64), "hamming"))


@pytest.mark.parametrize(
    ("members", "samples", "classes"), [(1, 1, 1), (1, 70, 3), (5, 1, 2), (7, 333, 10), (33, 129, 65536)]
)
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_equals_scipy_hamming(members: int, samples: int, classes: int, dtype: torch.dtype) -> None:
    predictions = torch.randint(classes, (members, samples), generator=torch.Generator().manual_seed(0)).to(dtype)
    shares = disagreement(predictions)
    assert shares.dtype == torch.float64
    assert shares.shape == (members, members)
    np.testing.assert_allclose(shares.numpy(), reference(predictions), rtol=0, atol=1e-15)


def test_small_dtypes_and_strides() -> None:
    predictions = torch.randint(100, (200, 9), generator=torch.Generator().manual_seed(1)).T
    for dtype in (torch.uint8, torch.int8, torch.int16):
        assert torch.equal(disagreement(predictions.to(dtype)), disagreement(predictions.contiguous()))


def test_members_that_agree_on_everything() -> None:
    assert torch.equal(disagreement(torch.full((4, 100), 65535)), torch.zeros(4, 4, dtype=torch.float64))


def test_sums_of_shards_are_the_whole() -> None:
    predictions = torch.randint(5, (6, 1000), generator=torch.Generator().manual_seed(2))
    shards = torch.stack([disagreement(shard, reduction="sum") for shard in predictions.split(123, dim=1)])
    assert torch.equal(shards.sum(0) / 1000, disagreement(predictions))


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), r"predictions: expected 2 dimensions"),
        (torch.zeros(3, 0, dtype=torch.int64), r"predictions: needs at least one of samples"),
        (torch.zeros(3, 2), r"predictions: expected an integer dtype, got torch.float32"),
        (torch.zeros(3, 2, dtype=torch.bool), r"predictions: expected an integer dtype, got torch.bool"),
        (torch.tensor([[0, 1], [2, -1]]), r"predictions\[1, 1\]: -1 is outside \[0, 65536\)"),
        (torch.tensor([[0, 65536], [2, -1]]), r"predictions\[0, 1\]: 65536 is outside"),
    ],
)
def test_refuses(predictions: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        disagreement(predictions)


def test_refuses_unknown_reduction() -> None:
    with pytest.raises(ValueError, match="reduction: expected one of mean, sum; got 'max'"):
        disagreement(torch.zeros(2, 2, dtype=torch.int64), reduction="max")  # type: ignore[arg-type]
