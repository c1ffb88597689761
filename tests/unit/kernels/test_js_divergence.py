import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

from kernels import js_divergence
from kernels.js_divergence import _x_log2_x


def reference(probabilities: torch.Tensor) -> np.ndarray:
    p = probabilities.double().numpy()
    return np.stack([[(jensenshannon(a, b, axis=1) ** 2).mean() for b in p] for a in p])


def random_probabilities(members: int, samples: int, classes: int, scale: float = 2.0, seed: int = 0) -> torch.Tensor:
    logits = torch.randn(members, samples, classes, generator=torch.Generator().manual_seed(seed))
    return (logits * scale).softmax(2)


@pytest.mark.parametrize("shape", [(1, 1, 2), (2, 1, 3), (5, 17, 10), (9, 33, 257), (3, 4, 1000)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_scipy(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    probabilities = random_probabilities(*shape).to(dtype)
    divergence = js_divergence(probabilities)
    assert divergence.dtype == torch.float64
    np.testing.assert_allclose(divergence.numpy(), reference(probabilities), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 1, 255), (3, 256, 1), (4, 19, 27), (129, 3, 10), (257, 1, 3)])
@pytest.mark.parametrize("scale", [0.01, 2, 20])
def test_runs_and_tiles_of_any_length_are_as_accurate_as_float64(shape: tuple[int, int, int], scale: float) -> None:
    probabilities = random_probabilities(*shape, scale)
    np.testing.assert_allclose(js_divergence(probabilities), js_divergence(probabilities.double()), rtol=0, atol=3e-7)


def test_terms_that_are_small_beside_their_sum_are_not_lost() -> None:
    probabilities = random_probabilities(5, 4000, 50, scale=8)
    np.testing.assert_allclose(js_divergence(probabilities), js_divergence(probabilities.double()), rtol=0, atol=5e-8)


def test_the_polynomial_is_the_logarithm() -> None:
    x = np.concatenate([np.linspace(0, 2, 2001), np.geomspace(1e-37, 2, 500)]).astype(np.float32)
    wide = x.astype(np.float64)
    expected = wide * np.log2(np.where(wide > 0, wide, 1))
    found = np.array([_x_log2_x(value) for value in x])
    np.testing.assert_allclose(found, expected, rtol=3e-7, atol=1e-8)


@pytest.mark.parametrize("members", [2, 7, 40])
def test_the_number_of_threads_changes_no_bit(members: int) -> None:
    probabilities = random_probabilities(members, 300, 11)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        found.append(js_divergence(probabilities))
    torch.set_num_threads(before)
    assert all(torch.equal(divergence, found[0]) for divergence in found)


def test_half_precision() -> None:
    probabilities = random_probabilities(4, 50, 20).half()
    np.testing.assert_allclose(js_divergence(probabilities).numpy(), reference(probabilities), atol=1e-3)


def test_extreme_logits_reach_the_bound() -> None:
    certain = (torch.eye(5)[:, None, :] * 1e4).softmax(2).expand(5, 7, 5)
    expected = math.log(2) * (1 - np.eye(5))
    np.testing.assert_allclose(js_divergence(certain).numpy(), expected, atol=1e-7)
    assert js_divergence(certain).max() <= math.log(2)


def test_equal_members() -> None:
    probabilities = random_probabilities(1, 40, 100).expand(3, -1, -1)
    divergence = js_divergence(probabilities)
    assert divergence.min() >= 0
    assert divergence.max() < 1e-8
    assert torch.equal(divergence.diagonal(), torch.zeros(3, dtype=torch.float64))


def test_one_class() -> None:
    assert torch.equal(js_divergence(torch.ones(3, 4, 1)), torch.zeros(3, 3, dtype=torch.float64))


def test_sums_of_shards_are_the_whole() -> None:
    probabilities = random_probabilities(4, 50, 12)
    shards = [js_divergence(shard, reduction="sum") for shard in probabilities.split(13, dim=1)]
    np.testing.assert_allclose(torch.stack(shards).sum(0) / 50, js_divergence(probabilities), rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-0.5, r"probabilities\[1, 2, 3\]: -0.5 is negative"),
        (float("nan"), r"probabilities\[1, 2, 3\]: nan is not finite"),
        (float("inf"), r"probabilities\[1, 2, 3\]: inf is not finite"),
    ],
)
def test_refuses_values(value: float, message: str) -> None:
    probabilities = random_probabilities(2, 4, 5)
    probabilities[1, 2, 3] = value
    with pytest.raises(ValueError, match=message):
        js_divergence(probabilities)


def test_refuses_arguments() -> None:
    with pytest.raises(ValueError, match="probabilities: expected 3 dimensions"):
        js_divergence(torch.ones(2, 3))
    with pytest.raises(ValueError, match="probabilities: expected a floating dtype"):
        js_divergence(torch.ones(2, 3, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="reduction: expected one of mean, sum"):
        js_divergence(torch.ones(2, 3, 1), reduction="none")  # type: ignore[arg-type]
