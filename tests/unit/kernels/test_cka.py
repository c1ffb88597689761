import numpy as np
import pytest
import torch

from kernels import cka


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
