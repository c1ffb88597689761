"""A member that consists of a pretrained, unchanged backbone and a linear classifier that is trained on the labels."""

from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.datasets.image_set import ImageSet, centre
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import digest_of_file, load_json
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.weights import load_weights
from scripts.lib.training.inputs import Run
from scripts.lib.training.job import TrainingJob
from scripts.lib.training.supervised import fit

STANDARDISED_ON = 1000  # training images


def train_linear_classifier(**job: Any) -> None:
    """Train the linear classifier of one member on its backbone. Arguments: the fields of a `TrainingJob`."""
    opened = TrainingJob(**job)
    weights, record = (opened.inputs[key] for key in ("backbone_weights", "backbone_record"))
    require_undamaged(record, weights=weights)
    train_classifier(opened.settings, weights, record, opened.run())


def train_classifier(member: dict[str, Any], backbone_weights: str, backbone_record: str, run: Run) -> None:
    """Train a linear classifier on the backbone's features and write both as one ordinary network, with its record.

    The record's `member` also has the backbone's architecture and image size. Raises StudyError as `supervised.train`
    does.
    """
    backbone = load_json(backbone_record)["member"]
    complete = member | {key: backbone[key] for key in ("architecture", "image_size")}
    complete["backbone_weights"] = digest_of_file(backbone_weights)  # another backbone is another member
    seed_everything(derive(member["seed"], "initialisation"))
    model = with_frozen_backbone(complete, backbone_weights, len(run.training.classes))
    if member["standardise_features"]:
        standardise(model, complete, run.training, run.device)
    fit(model, complete, run, make_plain)


def with_frozen_backbone(member: dict[str, Any], weights: str, classes: int) -> nn.Module:
    """The backbone with its trained weights, which need no gradient, below a new linear classifier."""
    network = build(member, classes)
    classifier = network.model.get_submodule(network.head)
    network.model.set_submodule(network.head, nn.Identity())
    load_weights(network.model, weights)
    network.model.requires_grad_(False)
    network.model.set_submodule(network.head, classifier)
    return network.model


class StandardisedLinear(nn.Linear):
    """A linear layer, float32 [B, D] → [B, C], on features that are scaled to mean 0 and standard deviation 1."""

    mean: torch.Tensor
    factor: torch.Tensor

    def __init__(self, features: torch.Tensor, classes: int) -> None:
        """`features` [N, D] give mean and standard deviation; constant features are ignored."""
        super().__init__(features.shape[1], classes)
        deviation = features.std(0, correction=0)
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("factor", torch.where(deviation > 0, 1 / deviation, 0.0))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return super().forward((input - self.mean) * self.factor)

    def plain(self) -> nn.Linear:
        """The same function as an ordinary layer."""
        layer = nn.Linear(self.in_features, self.out_features, device=self.weight.device)
        with torch.no_grad():
            layer.weight.copy_(self.weight * self.factor)
            layer.bias.copy_(self.bias - layer.weight @ self.mean)
        return layer


def standardise(model: nn.Module, member: dict[str, Any], training: ImageSet, device: torch.device) -> None:
    """Replace the classifier by a `StandardisedLinear`, with mean and deviation of some training images."""
    count, size = min(STANDARDISED_ON, len(training)), member["image_size"]
    chosen, _ = training.subset(count, derive(member["seed"], "standardisation"), f"members/{member['id']}")
    name, head = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear) and m.weight.requires_grad)
    model.set_submodule(name, nn.Identity())
    pixels = np.stack([centre(image, size, size) for image in chosen.images])
    features = torch.cat(list(logits_in_batches(to_device(model, device), member, pixels, device)))
    model.set_submodule(name, StandardisedLinear(features, head.out_features))


def make_plain(model: nn.Module) -> None:
    """Turn a `StandardisedLinear` into an ordinary layer, in place."""
    for name, module in list(model.named_modules()):
        if isinstance(module, StandardisedLinear):
            model.set_submodule(name, module.plain())
