import numpy as np
import pytest
import torch

from kernels import cka, cka_of_sums, hsic_sums


def reference(activations: list[torch.Tensor]) -> np.ndarray:
    """HSIC of the centred N × N Gram matrices, the definition, whatever the number of features."""
    grams = []
    for features in activations:
        x = features.double().numpy()
        centring = np.eye(len(x)) - 1 / len(x)
        grams.append(centring @ x @ x.T @ centring)
    return np.array([[(a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()) for b in grams] for a in grams])


def random_activations(samples: int, widths: tuple[int, ...], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shared = torch.randn(samples, 8, generator=generator)
    return [
        shared @ torch.randn(8, width, generator=generator) + torch.randn(samples, width, generator=generator) + 3
        for width in widths
    ]


@pytest.mark.parametrize(
    ("samples", "widths"), [(2, (3,)), (10, (4, 200)), (100, (1, 30, 30, 64)), (50, (10, 49, 50, 51, 500))]
)
def test_equals_gram_definition(samples: int, widths: tuple[int, ...]) -> None:
    activations = random_activations(samples, widths)
    similarity = cka(activations)
    assert similarity.dtype == torch.float64
    np.testing.assert_allclose(similarity.numpy(), reference(activations), atol=1e-5)


def test_half_precision_input() -> None:
    activations = [features.half() for features in random_activations(60, (20, 30))]
    np.testing.assert_allclose(cka(activations).numpy(), reference(activations), atol=1e-5)


def test_rotation_scale_and_shift_change_nothing() -> None:
    (features,) = random_activations(80, (16,))
    rotation = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(5))).Q
    np.testing.assert_allclose(cka([features, 7 * features @ rotation + 2]).numpy(), np.ones((2, 2)), atol=1e-5)


def test_constant_activations_are_nan() -> None:
    similarity = cka([*random_activations(9, (4,)), torch.full((9, 5), 0.1)])
    assert similarity[0, 0] == 1
    assert similarity[1].isnan().all()
    assert similarity[:, 1].isnan().all()


def test_one_sample_is_nan() -> None:
    assert cka(random_activations(1, (4, 5))).isnan().all()


def test_refuses() -> None:
    good = torch.randn(6, 3)
    bad = good.clone()
    bad[4, 2] = float("nan")
    with pytest.raises(ValueError, match=r"activations\[1\]\[4, 2\]: nan is not finite"):
        cka([good, bad])
    with pytest.raises(ValueError, match=r"activations\[1\]: has 5 samples, activations\[0\] has 6"):
        cka([good, good[:5]])
    with pytest.raises(ValueError, match=r"activations\[0\]: expected 2 dimensions"):
        cka([good[0]])
    with pytest.raises(ValueError, match=r"activations\[1\]: expected a floating dtype"):
        cka([good, good.long()])
    with pytest.raises(ValueError, match="activations: needs at least one member"):
        cka([])


def unbiased_hsic(x: np.ndarray, y: np.ndarray) -> float:
    """Song et al. 2012, equation 5, with explicit sums over distinct samples."""
    n = len(x)
    k, kk = x @ x.T * (1 - np.eye(n)), y @ y.T * (1 - np.eye(n))
    ones = np.ones(n)
    product = k @ kk
    total = np.trace(product) + (ones @ k @ ones) * (ones @ kk @ ones) / ((n - 1) * (n - 2))
    return float((total - 2 / (n - 2) * (ones @ product @ ones)) / (n * (n - 3)))


def test_unbiased_equals_definition() -> None:
    activations = random_activations(40, (5, 60, 17))
    arrays = [features.double().numpy() for features in activations]
    expected = np.array([[unbiased_hsic(x, y) for y in arrays] for x in arrays])
    np.testing.assert_allclose(hsic_sums(activations).numpy(), expected, rtol=1e-9)


def test_unbiased_is_near_zero_for_unrelated_wide_activations() -> None:
    """The biased estimate is near 1 there: that is why the other exists."""
    generator = torch.Generator().manual_seed(0)
    batches = [[torch.randn(32, 500, generator=generator) for _ in range(2)] for _ in range(20)]
    unbiased = cka_of_sums(torch.stack([hsic_sums(batch) for batch in batches]).sum(0))
    assert cka(batches[0])[0, 1] > 0.9
    assert abs(unbiased[0, 1]) < 0.05
    torch.testing.assert_close(unbiased.diagonal(), torch.ones(2, dtype=torch.float64))


def test_unbiased_refuses_three_samples_and_gives_nan_without_variance() -> None:
    with pytest.raises(ValueError, match=r"activations\[0\]: has 3 samples, needs at least 4"):
        hsic_sums(random_activations(3, (4,)))
    assert cka_of_sums(torch.tensor([[-1.0, 0.5], [0.5, 1.0]]).double())[0].isnan().all()


def test_more_samples_than_a_tile() -> None:
    activations = random_activations(1100, (700, 900))
    np.testing.assert_allclose(cka(activations).numpy(), reference(activations), atol=1e-6)
