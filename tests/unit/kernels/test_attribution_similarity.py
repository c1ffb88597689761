import numpy as np
import pytest
import torch
from scipy.stats import pearsonr, spearmanr

from kernels import attribution_similarity
from kernels.attribution_similarity import Measure

MEASURES: tuple[Measure, ...] = ("cosine", "pearson", "spearman", "topk_iou")


def similarity_of_maps(a: np.ndarray, b: np.ndarray, measure: str) -> float:
    """Two float64 maps, neither of them zero or constant."""
    if measure == "pearson":
        return float(pearsonr(a, b).statistic)
    if measure == "spearman":
        return float(spearmanr(a, b).statistic)
    if measure == "cosine":
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))
    top = max(1, round(0.1 * len(a)))
    first, second = (set(np.lexsort((np.arange(len(x)), -x))[:top]) for x in (a, b))
    return len(first & second) / len(first | second)


def reference(attributions: torch.Tensor, measure: str) -> np.ndarray:
    maps = attributions.double().numpy()
    members, samples, _ = maps.shape
    total = np.zeros((members, members))
    for a in range(members):
        for b in range(members):
            total[a, b] = sum(similarity_of_maps(maps[a, n], maps[b, n], measure) for n in range(samples))
    return total / samples


def random_maps(members: int, samples: int, pixels: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    shared = torch.rand(1, samples, pixels, generator=torch.Generator().manual_seed(seed))
    return (shared + torch.rand(members, samples, pixels, generator=torch.Generator().manual_seed(seed + 1))).to(dtype)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 9), (2, 1, 40), (5, 7, 333), (18, 2, 130)])
def test_equals_reference(measure: Measure, dtype: torch.dtype, shape: tuple[int, int, int]) -> None:
    attributions = random_maps(*shape, dtype)
    similarity = attribution_similarity(attributions, measure)
    assert similarity.dtype == torch.float64
    np.testing.assert_allclose(similarity.numpy(), reference(attributions, measure), rtol=0, atol=2e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_ties_in_quantised_maps(measure: Measure) -> None:
    attributions = torch.randint(4, (5, 6, 100), generator=torch.Generator().manual_seed(3)).half()
    similarity = attribution_similarity(attributions, measure)
    np.testing.assert_allclose(similarity.numpy(), reference(attributions, measure), rtol=0, atol=2e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_signed_maps(measure: Measure) -> None:
    attributions = torch.randn(5, 3, 200, generator=torch.Generator().manual_seed(4))
    similarity = attribution_similarity(attributions, measure)
    np.testing.assert_allclose(similarity.numpy(), reference(attributions, measure), rtol=0, atol=2e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_zero_map_is_like_itself_only(measure: Measure) -> None:
    attributions = random_maps(4, 1, 50, torch.float32)
    attributions[1:3] = 0
    similarity = attribution_similarity(attributions, measure)
    assert torch.equal(similarity[1:3], torch.eye(4, dtype=torch.float64)[1:3])
    assert similarity[0, 3] > 0
    assert torch.equal(similarity.diagonal(), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("measure", ["pearson", "spearman"])
def test_constant_map_correlates_with_itself_only(measure: Measure) -> None:
    attributions = random_maps(3, 1, 49, torch.float32)
    attributions[1] = 0.1
    similarity = attribution_similarity(attributions, measure)
    assert torch.equal(similarity[1], torch.eye(3, dtype=torch.float64)[1])


@pytest.mark.parametrize("measure", MEASURES)
def test_equal_members(measure: Measure) -> None:
    attributions = random_maps(1, 5, 300, torch.float16).expand(3, -1, -1)
    np.testing.assert_allclose(attribution_similarity(attributions, measure).numpy(), np.ones((3, 3)), atol=2e-6)


def test_very_small_and_very_large_values() -> None:
    attributions = torch.stack([random_maps(2, 1, 64, torch.float32) * scale for scale in (1e-18, 1.0, 1e18)])
    similarity = attribution_similarity(attributions.reshape(6, 1, 64))
    np.testing.assert_allclose(similarity.numpy(), reference(attributions.reshape(6, 1, 64), "cosine"), atol=2e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_sums_of_shards_are_the_whole(measure: Measure) -> None:
    attributions = random_maps(4, 11, 60, torch.float32)
    shards = [attribution_similarity(shard, measure, reduction="sum") for shard in attributions.split(4, dim=1)]
    whole = attribution_similarity(attributions, measure)
    np.testing.assert_allclose(torch.stack(shards).sum(0) / 11, whole, rtol=1e-12)


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        ((1, 2, 3), float("nan"), r"attributions\[1, 2, 3\]: nan is not finite"),
        ((0, 4, 9), float("inf"), r"attributions\[0, 4, 9\]: inf is not finite"),
    ],
)
def test_refuses_values(position: tuple[int, int, int], value: float, message: str) -> None:
    attributions = random_maps(2, 5, 10, torch.float32)
    attributions[position] = value
    with pytest.raises(ValueError, match=message):
        attribution_similarity(attributions)


def test_refuses_arguments() -> None:
    maps = random_maps(2, 5, 10, torch.float32)
    with pytest.raises(ValueError, match="attributions: expected 3 dimensions"):
        attribution_similarity(maps[0])
    with pytest.raises(ValueError, match="attributions: expected a floating dtype"):
        attribution_similarity(maps.long())
    with pytest.raises(ValueError, match="measure: expected one of cosine, pearson, spearman, topk_iou; got 'iou'"):
        attribution_similarity(maps, "iou")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="top_share: expected a number in"):
        attribution_similarity(maps, "topk_iou", top_share=0)


@pytest.mark.parametrize("least", [0, 10**18])
def test_maps_of_tiny_values_have_the_similarity_of_their_shapes(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 2^-127, where the reciprocal of a power of two is infinite in float32."""
    monkeypatch.setattr("kernels.cpu.LEAST_OPERATIONS", least)
    maps = random_maps(4, 3, 64, torch.float32)
    tiny = maps * 2.0**-129
    assert tiny.abs().max() > 0
    for measure in ("cosine", "pearson"):
        found = attribution_similarity(tiny, measure)
        torch.testing.assert_close(found, attribution_similarity(maps, measure), atol=1e-4, rtol=1e-4)
