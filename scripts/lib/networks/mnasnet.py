"""MNASNet (Tan et al. 2019, variant B1); names, initial weights and results are torchvision's, bit for bit."""

import torch
from torch import nn

from scripts.lib.networks.resnet import convolution

WIDTHS = (32, 16, 24, 40, 80, 96, 192, 320)
# Of each stack of blocks: kernel, stride of the first block, expansion, number of blocks.
STACKS = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))
FEATURES = 1280


class InvertedResidual(nn.Module):
    """A depthwise convolution between two of one pixel, float [B, C, H, W] → [B, D, H / stride, W / stride]."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, momentum: float) -> None:
        super().__init__()
        width = inputs * expansion
        self.has_shortcut = inputs == outputs and stride == 1
        self.layers = nn.Sequential(
            *_activated(convolution(inputs, width, 1), momentum),
            *_activated(convolution(width, width, kernel, stride, groups=width), momentum),
            convolution(width, outputs, 1),
            nn.BatchNorm2d(outputs, momentum=momentum),
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The output of the block."""
        output = self.layers(input)
        return output + input if self.has_shortcut else output


class MNASNet(nn.Module):
    """Float [B, 3, H, W] → logits [B, classes]; `multiplier` scales the widths, `momentum` is that of batch norms."""

    def __init__(self, multiplier: float, classes: int, dropout: float, momentum: float) -> None:
        super().__init__()
        stem, first, *widths = [_rounded(width * multiplier) for width in WIDTHS]
        layers = [
            *_activated(convolution(3, stem, 3, 2), momentum),
            *_activated(convolution(stem, stem, 3, groups=stem), momentum),
            convolution(stem, first, 1),
            nn.BatchNorm2d(first, momentum=momentum),
        ]
        inputs = first
        for width, (kernel, stride, expansion, count) in zip(widths, STACKS, strict=True):
            blocks = [InvertedResidual(inputs, width, kernel, stride, expansion, momentum)]
            blocks += [InvertedResidual(width, width, kernel, 1, expansion, momentum) for _ in range(count - 1)]
            layers.append(nn.Sequential(*blocks))
            inputs = width
        self.layers = nn.Sequential(*layers, *_activated(convolution(inputs, FEATURES, 1), momentum))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(FEATURES, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="sigmoid")
                nn.init.zeros_(module.bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.classifier(self.layers(input).mean((2, 3)))


def _activated(layer: nn.Conv2d, momentum: float) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(layer.out_channels, momentum=momentum), nn.ReLU()]


def _rounded(width: float) -> int:
    """A multiple of 8, not more than a tenth below `width`."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8
