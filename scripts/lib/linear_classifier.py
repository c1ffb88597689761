"""A member made of a pretrained backbone that stays as it is and a linear classifier that is trained on the labels."""

from typing import Any

import torch
from torch import nn

from scripts.lib.datasets import ImageSet, ValidationSet
from scripts.lib.members import build, load_weights
from scripts.lib.randomness import derive, seed_everything
from scripts.lib.storage import digest_of_file, load_json
from scripts.lib.training import PLAIN, fit


def train_classifier(
    member: dict[str, Any],
    backbone_weights: str,
    backbone_record: str,
    training: ImageSet,
    validation: ValidationSet,
    device: torch.device,
    workers: int,
    weights: str,
    record: str,
    resume: str,
    scale: dict[str, Any] = PLAIN,
) -> None:
    """Train a linear classifier on the backbone's features and write both as one ordinary network, with its record.

    The record's `member` also has the backbone's architecture and image size. Raises StudyError as `training.train`.
    """
    backbone = load_json(backbone_record)["member"]
    complete = member | {key: backbone[key] for key in ("architecture", "image_size")}
    complete["backbone_weights"] = digest_of_file(backbone_weights)  # another backbone is another member
    seed_everything(derive(member["seed"], "initialisation"))
    model = with_frozen_backbone(complete, backbone_weights, len(training.classes))
    fit(model, complete, training, validation, device, workers, weights, record, resume, scale)


def with_frozen_backbone(member: dict[str, Any], weights: str, classes: int) -> nn.Module:
    """The backbone with its trained weights, which need no gradient, below a new linear classifier."""
    network = build(member, classes)
    classifier = network.model.get_submodule(network.head)
    network.model.set_submodule(network.head, nn.Identity())
    load_weights(network.model, weights)
    network.model.requires_grad_(False)
    network.model.set_submodule(network.head, classifier)
    return network.model
