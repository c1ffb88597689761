"""Networks small enough to differentiate by hand, and what they are run with."""

from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.networks.architectures import Network
from scripts.lib.networks.preprocessing import prepare

CPU = torch.device("cpu")


class Tiny(nn.Module):
    """Convolution, activation, linear head; small enough to differentiate by hand."""

    def __init__(self, activation: nn.Module, size: int = 32) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, stride=4)
        self.activation = activation
        self.head = nn.Linear(4 * ((size - 3) // 4 + 1) ** 2, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.activation(self.convolution(images)).flatten(1))


def tiny_network(activation: nn.Module | None = None) -> Network:
    torch.manual_seed(0)
    return Network(Tiny(activation or nn.ReLU()).eval(), "head")


def settings(method: str = "Saliency", target: str = "prediction", samples: int = 5, steps: int = 16) -> dict[str, Any]:
    return {"method": method, "target": target, "samples": samples, "steps": steps}


def logits_of(network: Network, validation: ValidationSet, member: dict[str, Any]) -> np.ndarray:
    with torch.inference_mode():
        return network.model(prepare(validation.images, member, CPU)).numpy()
