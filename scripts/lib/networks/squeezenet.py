"""SqueezeNet (Iandola et al. 2016); names, initial weights and results are torchvision's, bit for bit."""

import torch
from torch import nn

# Of each version: width, kernel of the first convolution, and the following layers; a number is the width of a Fire.
VERSIONS: dict[str, tuple[int, int, tuple[int | str, ...]]] = {
    "1.0": (96, 7, ("pool", 16, 16, 32, "pool", 32, 48, 48, 64, "pool", 64)),
    "1.1": (64, 3, ("pool", 16, 16, "pool", 32, 32, "pool", 48, 48, 64, 64)),
}


class Fire(nn.Module):
    """A narrow convolution of one pixel and two wide ones, float [B, C, H, W] → [B, 8 × width, H, W]."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.squeeze, self.squeeze_activation = nn.Conv2d(inputs, width, 1), nn.ReLU()
        self.expand1x1, self.expand1x1_activation = nn.Conv2d(width, 4 * width, 1), nn.ReLU()
        self.expand3x3, self.expand3x3_activation = nn.Conv2d(width, 4 * width, 3, padding=1), nn.ReLU()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The outputs of the two wide convolutions."""
        narrow = self.squeeze_activation(self.squeeze(input))
        small = self.expand1x1_activation(self.expand1x1(narrow))
        return torch.cat([small, self.expand3x3_activation(self.expand3x3(narrow))], 1)


class SqueezeNet(nn.Module):
    """Float [B, 3, H, W] → logits [B, classes]. The classifier is a convolution of one pixel, averaged over the map."""

    def __init__(self, version: str, classes: int, dropout: float) -> None:
        super().__init__()
        inputs, kernel, following = VERSIONS[version]
        layers: list[nn.Module] = [nn.Conv2d(3, inputs, kernel, 2), nn.ReLU()]
        for layer in following:
            if isinstance(layer, str):
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            else:
                layers.append(Fire(inputs, layer))
                inputs = 8 * layer
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(inputs, classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), last, nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    nn.init.normal_(module.weight, std=0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.classifier(self.features(input)).flatten(1)
