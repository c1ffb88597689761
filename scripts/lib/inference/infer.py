"""Runs a trained member on a validation set: logits, input attributions and activations."""

import time
from dataclasses import dataclass
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
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.storage import save_array, save_json
from scripts.lib.networks.architectures import Network


@dataclass(frozen=True)
class InferenceOutputs:
    """Paths of what is recorded of one member on one validation set."""

    predictions: str
    record: str
    attributions: str
    activations: str


def infer(
    member: dict[str, Any],
    network: Network,
    dataset: str,
    validation: ValidationSet,
    attributions: dict[str, Any],
    activation_samples: int,
    device: torch.device,
    weights_digest: str,
    outputs: InferenceOutputs,
) -> None:
    """Record logits, attributions and activations of one member on one validation set.

    Raises StudyError for logits that are NaN or infinite, naming the first sample.
    """
    start = time.perf_counter()
    title = f"infer {member['id']} on {dataset}"
    logits, activations = predict(member, network, validation.images, activation_samples, device, title)
    require_finite_logits(logits, member["id"], dataset, validation.samples)
    maps = attribute(member, network, validation, logits, attributions, device, f"{title}: attributions")
    save_array(outputs.attributions, maps)
    save_array(outputs.activations, activations)
    save_array(outputs.predictions, logits)
    save_json(
        outputs.record,
        {
            "member": member["id"],
            "dataset": dataset,
            "samples": validation.digest,
            "sample_count": len(validation.samples),
            "classes": logits.shape[1],
            "weights": weights_digest,
            "checksums": checksums(
                predictions=outputs.predictions, attributions=outputs.attributions, activations=outputs.activations
            ),
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
            features.append((inputs[0].flatten(2).mean(2) if inputs[0].ndim == 4 else inputs[0]).float().cpu())

    batches = logits_in_batches(network.model, member, pixels, device)
    shown = progress(batches, title, "batch", total=-(-len(pixels) // BATCH))
    with network.model.get_submodule(network.head).register_forward_pre_hook(keep):
        logits = torch.cat(list(shown)).numpy()
    return logits, torch.cat(features)[:activation_samples].numpy().astype(np.float16)
