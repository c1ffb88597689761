"""Runs a trained member on a validation set: logits, input attributions and activations."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.attributions import attribute
from scripts.lib.inference.logits import BATCH, logits_in_batches
from scripts.lib.inference.predictions import require_finite_logits
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.device import device_name
from scripts.lib.jobs.finished_parts import RECORD
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.storage import save_array, save_json
from scripts.lib.networks.architectures import Network, pooled


@dataclass(frozen=True)
class TrainedMember:
    """A trained member: its settings, its network in evaluation mode, and the SHA-256 of its weights."""

    settings: dict[str, Any]
    network: Network
    weights_digest: str


@dataclass(frozen=True)
class InferenceSettings:
    """What is recorded of a member besides its logits: the study's section `attributions`, and how many activations."""

    attributions: dict[str, Any]
    activation_samples: int


def infer(
    member: TrainedMember,
    dataset: str,
    validation: ValidationSet,
    settings: InferenceSettings,
    device: torch.device,
    folder: Path,
    scored: Sequence[int] | None = None,
) -> None:
    """Record logits, attributions and activations of one member on one validation set.

    Writes `predictions.npy`, `attributions.npy`, `activations.npy` and last the record `predictions.json` into
    `folder`. `scored` has the labels of the classes that count on this set, if they are not all. Raises StudyError for
    logits that are NaN or infinite, naming the first sample.
    """
    start = time.perf_counter()
    entry, network, attributions = member.settings, member.network, settings.attributions
    title = f"infer {entry['id']} on {dataset}"
    logits, activations = predict(entry, network, validation.images, settings.activation_samples, device, title)
    require_finite_logits(logits, entry["id"], dataset, validation.samples)
    maps = attribute(entry, network, validation, logits, attributions, device, f"{title}: attributions", scored)
    arrays = {"predictions": logits, "attributions": maps, "activations": activations}
    for name, array in arrays.items():
        save_array(folder / f"{name}.npy", array)
    save_json(
        folder / RECORD,
        {
            "member": entry["id"],
            "dataset": dataset,
            "samples": validation.digest,
            "sample_count": len(validation.samples),
            "classes": logits.shape[1],
            "weights": member.weights_digest,
            "checksums": checksums(**{name: folder / f"{name}.npy" for name in arrays}),
            "attributions": attributions,
            "device": device_name(device),
            "seconds": time.perf_counter() - start,
        },
    )


def predict(
    member: dict[str, Any],
    network: Network,
    pixels: np.ndarray,
    activation_samples: int,
    device: torch.device,
    title: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 [N, C] of all images, and activations float16 [n, D] of the first n, in one pass.

    An activation is the input of the classifier head; for a convolutional head it is averaged over height and width.
    """
    features: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if len(features) * BATCH < activation_samples:
            features.append(pooled(inputs[0]).float().cpu())

    batches = logits_in_batches(network.model, member, pixels, device)
    shown = progress(batches, title, "batch", total=-(-len(pixels) // BATCH))
    with network.model.get_submodule(network.head).register_forward_pre_hook(keep):
        logits = torch.cat(list(shown)).numpy()
    return logits, torch.cat(features)[:activation_samples].numpy().astype(np.float16)
