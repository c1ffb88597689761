"""Convolutions of feature maps of a few pixels, which oneDNN computes slowly on a CPU.

Networks for pictures of 224 pixels have maps of one or two pixels in their last stages if they see 32 pixels. There,
oneDNN (3.12, AVX2) multiplies with the many weights that meet nothing but padding, converts the weights between layouts
in each pass, and has no fast gradient of weights whose kernel is larger than the map.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

# Output maps of up to this many pixels are computed as matrix products. From 4 × 4 on, oneDNN is as fast or faster.
MOST_PIXELS = 4


def with_fast_small_maps(model: nn.Module) -> nn.Module:
    """`model` with its convolutions turned into `SmallMapConv2d`, in place; weights and their names stay."""
    for module in model.modules():
        if type(module) is nn.Conv2d and _is_plain(module):
            module.__class__ = SmallMapConv2d
    return model


def _is_plain(module: nn.Conv2d) -> bool:
    return module.dilation == (1, 1) and module.padding_mode == "zeros" and not isinstance(module.padding, str)


class SmallMapConv2d(nn.Conv2d):
    """torch's convolution, float [B, C, H, W] → [B, D, h, w], computed in another way where maps are small.

    The results are those of `nn.Conv2d`, except that sums may be rounded differently.
    """

    padding: tuple[int, int]

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The convolution of `input`."""
        if torch.compiler.is_compiling():  # the compiler refuses sizes that decide what is computed
            return super().forward(input)
        settings = zip(self.kernel_size, self.stride, self.padding, input.shape[-2:], strict=True)
        rows, columns = (_axis(*values) for values in settings)
        if input.ndim != 4 or rows.outputs < 1 or columns.outputs < 1:
            return super().forward(input)
        if self.groups == 1 and rows.outputs * columns.outputs <= MOST_PIXELS:
            return self._as_matrix_product(input, rows, columns)
        if self.groups > 1 and (rows.has_small_map or columns.has_small_map):
            return self._with_needed_taps(input, rows, columns)
        return super().forward(input)

    def _as_matrix_product(self, input: torch.Tensor, rows: "_Axis", columns: "_Axis") -> torch.Tensor:
        """The product of patches [B × h × w, taps × C] and weights; channels come last, as in the maps' memory."""
        pixels = _padded(input, rows, columns).permute(0, 2, 3, 1)
        weight = _Taps.apply(self.weight, rows.part, columns.part).permute(0, 2, 3, 1).flatten(1)
        if rows.outputs == columns.outputs == 1:
            # Strides as torch's batch norm has them. With others that say the same, its gradient takes fifteen times as
            # long.
            return nn.functional.linear(pixels.flatten(1), weight, self.bias)[:, :, None, None]
        windows = pixels.unfold(1, rows.taps, rows.stride).unfold(2, columns.taps, columns.stride)
        patches = windows.permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(0, 2)  # from [B, h, w, C, taps, taps]
        outputs = nn.functional.linear(patches, weight, self.bias)
        return outputs.view(len(input), rows.outputs, columns.outputs, -1).permute(0, 3, 1, 2)

    def _with_needed_taps(self, input: torch.Tensor, rows: "_Axis", columns: "_Axis") -> torch.Tensor:
        weight = _Taps.apply(self.weight, rows.part, columns.part)
        # For depthwise weights, oneDNN has a fast gradient only if the map is at least as large as the kernel.
        depthwise = self.groups == self.in_channels
        symmetric = all(axis.before == axis.after >= 0 for axis in (rows, columns))
        if depthwise or not symmetric:
            input, padding = _padded(input, rows, columns), (0, 0)
        else:
            padding = (rows.before, columns.before)
        return nn.functional.conv2d(input, weight, self.bias, self.stride, padding, groups=self.groups)


@dataclass(frozen=True)
class _Axis:
    """What a convolution reads along one axis: only taps `first` to `first + taps` of its kernel meet the map.

    For these taps the map needs `before` and `after` pixels of padding; negative numbers are pixels that are not read.
    """

    outputs: int
    stride: int
    first: int
    taps: int
    before: int
    after: int
    has_small_map: bool

    @property
    def part(self) -> slice:
        return slice(self.first, self.first + self.taps)


@cache
def _axis(kernel: int, stride: int, padding: int, size: int) -> _Axis:
    outputs = (size + 2 * padding - kernel) // stride + 1
    last_start = (outputs - 1) * stride - padding
    first = max(0, -last_start)  # earlier taps are left of the map even at the last position
    end = min(kernel, size + padding)  # later taps are right of the map even at the first position
    before, after = padding - first, last_start + end - size
    return _Axis(outputs, stride, first, end - first, before, after, size < kernel)


def _padded(input: torch.Tensor, rows: _Axis, columns: _Axis) -> torch.Tensor:
    margins = (columns.before, columns.after, rows.before, rows.after)
    return nn.functional.pad(input, margins) if any(margins) else input


class _Taps(torch.autograd.Function):
    """A part of a convolution's kernel; its gradient has the memory layout of the weights, and needs no copy."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, rows: slice, columns: slice) -> torch.Tensor:
        ctx.save_for_backward(weight)
        ctx.part = (slice(None), slice(None), rows, columns)
        return weight[ctx.part]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        [weight] = ctx.saved_tensors
        if gradient.shape == weight.shape:
            return gradient, None, None
        whole = torch.zeros_like(weight)
        whole[ctx.part] = gradient
        return whole, None, None
