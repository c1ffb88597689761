"""Convolutions of small maps are torch's convolutions, computed in another way."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.small_maps import SmallMapConv2d, with_fast_small_maps
from tests.unit.conftest import SMALL_MNASNET, SMALL_RESNEXT, small_member


def convolved(x: np.ndarray, weight: np.ndarray, stride: tuple[int, int], padding: tuple[int, int]) -> np.ndarray:
    """The definition, in float64: every output is a sum over the taps that lie on the map."""
    (count, _, height, width), (outputs, per_group, tall, wide) = x.shape, weight.shape
    shape = [
        (side + 2 * p - k) // s + 1
        for side, k, s, p in zip((height, width), (tall, wide), stride, padding, strict=True)
    ]
    result = np.zeros((count, outputs, *shape))
    groups = x.shape[1] // per_group
    for channel, row, column in np.ndindex(outputs, *shape):
        first = channel // (outputs // groups) * per_group
        for u, v in np.ndindex(tall, wide):
            i, j = row * stride[0] - padding[0] + u, column * stride[1] - padding[1] + v
            if 0 <= i < height and 0 <= j < width:
                result[:, channel, row, column] += x[:, first : first + per_group, i, j] @ weight[channel, :, u, v]
    return result


def convolution(
    channels: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int], groups: int
) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(channels, 2 * channels, kernel, stride, padding, groups=groups, bias=False)


KERNELS = [((1, 1), (0, 0)), ((3, 3), (1, 1)), ((5, 5), (2, 2)), ((3, 3), (0, 0)), ((5, 3), (2, 1)), ((2, 4), (1, 2))]
CASES = [
    (size, kernel, stride, padding, groups)
    for size, (kernel, padding), stride, groups in itertools.product(
        [(1, 1), (2, 2), (3, 3), (1, 3), (4, 2), (6, 6)], KERNELS, [1, 2, 3], [1, 2, 4]
    )
    if all(side + 2 * p >= k for side, p, k in zip(size, padding, kernel, strict=True))
]


@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "groups"), CASES)
def test_outputs_and_gradients_are_those_of_the_definition(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: tuple[int, int], groups: int
) -> None:
    plain = convolution(4, kernel, stride, padding, groups).double()
    x = torch.randn(3, 4, *size, dtype=torch.float64, requires_grad=True)
    expected = plain(x)
    by_definition = convolved(x.detach().numpy(), plain.weight.detach().numpy(), (stride, stride), padding)
    assert np.allclose(expected.detach().numpy(), by_definition, rtol=0, atol=1e-12)
    upstream = torch.randn_like(expected)
    gradients = torch.autograd.grad(expected, (x, plain.weight), upstream)
    fast = with_fast_small_maps(nn.Sequential(plain))
    assert type(fast[0]) is SmallMapConv2d
    found = fast(x)
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    for ours, theirs in zip(torch.autograd.grad(found, (x, plain.weight), upstream), gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_the_cases_take_every_way_of_computing() -> None:
    """Products of matrices, grouped and depthwise convolutions of small maps, with and without taps left out."""
    taken = set()

    class Noted(SmallMapConv2d):
        def _as_matrix_product(self, input: torch.Tensor, rows: Any, columns: Any) -> torch.Tensor:
            taken.add(("product", self.groups, (rows.taps, columns.taps) != self.kernel_size))
            return super()._as_matrix_product(input, rows, columns)

        def _with_needed_taps(self, input: torch.Tensor, rows: Any, columns: Any) -> torch.Tensor:
            taken.add(("taps", self.groups, (rows.taps, columns.taps) != self.kernel_size))
            return super()._with_needed_taps(input, rows, columns)

    for size, kernel, stride, padding, groups in CASES:
        Noted(4, 8, kernel, stride, padding, groups=groups)(torch.zeros(1, 4, *size))
    ways = [("product", 1), ("taps", 2), ("taps", 4)]
    assert taken == {(way, groups, left_out) for way, groups in ways for left_out in (False, True)}


def test_the_bias_and_the_layout_are_kept() -> None:
    plain = nn.Conv2d(6, 8, 3, padding=1)
    x = torch.randn(2, 6, 2, 2).to(memory_format=torch.channels_last)
    expected = plain(x)
    found = with_fast_small_maps(nn.Sequential(plain))(x)
    assert torch.allclose(found, expected, atol=1e-6)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_gradients_have_the_layout_of_the_weights() -> None:
    """Otherwise torch would copy them in every step."""
    layer = to_device(nn.Sequential(nn.Conv2d(8, 16, 3, padding=1)), torch.device("cpu"))[0]  # type: ignore[index]
    layer(torch.randn(2, 8, 1, 1)).sum().backward()
    assert layer.weight.grad.stride() == layer.weight.stride()
    assert layer.weight.grad[:, :, 1, 1].abs().min() > 0
    layer.weight.grad[:, :, 1, 1] = 0
    assert not layer.weight.grad.any()  # the other taps met only padding


def test_unusual_convolutions_and_larger_maps_are_left_to_torch() -> None:
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, dilation=2), nn.Conv2d(3, 4, 3, padding="same"), nn.Conv2d(3, 4, 3, padding_mode="circular")
    )
    with_fast_small_maps(layers)
    assert [type(layer) for layer in layers] == [nn.Conv2d] * 3
    torch.manual_seed(0)
    plain = nn.Conv2d(4, 4, 3, padding=1, groups=4)
    x = torch.randn(2, 4, 7, 7)
    expected = plain(x)
    assert torch.equal(with_fast_small_maps(nn.Sequential(plain))(x), expected)


@pytest.mark.parametrize("shape", [(3, 1, 1), (2, 3, 1, 1)])
def test_a_map_that_is_too_small_is_refused_as_by_torch(shape: tuple[int, ...]) -> None:
    layer = with_fast_small_maps(nn.Sequential(nn.Conv2d(3, 4, 3)))
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        layer(torch.zeros(*shape))


@pytest.mark.parametrize("architecture", [SMALL_MNASNET, SMALL_RESNEXT, {"name": "resnet", "layers": [1, 1, 1, 1]}])
@pytest.mark.parametrize("size", [32, 64])
def test_a_network_computes_the_same(architecture: dict[str, object], size: int) -> None:
    torch.manual_seed(0)
    plain = build(small_member(architecture=architecture), 3).model.double().eval()
    names = list(plain.state_dict())
    images = torch.randn(2, 3, size, size, dtype=torch.float64)
    expected = plain(images)
    fast = to_device(plain, torch.device("cpu"))
    assert any(type(module) is SmallMapConv2d for module in fast.modules())
    assert list(fast.state_dict()) == names
    assert torch.allclose(fast(images), expected, rtol=1e-10)
