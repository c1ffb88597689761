"""Batch norm statistics of a sub-network: those of the super-network were computed for other widths and inputs."""

from typing import Any

import torch
from torch import nn

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.training.batches import Transformed

Batches = list[tuple[torch.Tensor, torch.Tensor]]


def adaptation_samples(settings: dict[str, Any]) -> int:
    """Number of images for batch norm: the one in the section `bootstrapNAS`, or NNCF's default."""
    section = settings["bootstrapNAS"]["training"].get("batchnorm_adaptation", {})
    return section.get("num_bn_adaptation_samples", 2000)


def adaptation_batches(images: ImageSet, settings: dict[str, Any], samples: int, device: torch.device) -> Batches:
    """About `samples` training images, augmented as in training, in batches of at most the batch size.

    Every batch has the same number of images, at least two, so that all batches have equal weight.
    """
    count = min(max(samples, 2), len(images))
    chosen, rows = images.subset(count, derive(settings["seed"], "batch norm"), "training images")
    seed_everything(derive(settings["seed"], "batch norm augmentation"))
    pixels, labels = Transformed(chosen, settings).__getitems__(list(range(len(rows))))
    size = min(settings["batch_size"], count)
    order = torch.randperm(count)[: count // size * size]
    return [
        (pixels[rows].to(device, memory_format=torch.channels_last), labels[rows].to(device))
        for rows in order.split(size)
    ]


def recalibrate(model: nn.Module, batches: Batches) -> None:
    """Set the statistics of all batch norms to their mean over `batches`; leaves the model in evaluation mode."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    with torch.no_grad():
        for pixels, _ in batches:
            model(pixels)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
