"""What a trained member says about a validation set: logits, input attributions and activations."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.predictions import require_finite_logits
from scripts.lib.jobs.device import device_name
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.storage import checksums, save_array, save_json
from scripts.lib.networks.architectures import Network
from scripts.lib.networks.preprocessing import prepare, resized, seen

BATCH = 100


def _batches(pixels: np.ndarray, size: int = BATCH) -> Iterator[np.ndarray]:
    for start in range(0, len(pixels), size):
        yield pixels[start : start + size]


def logits_in_batches(
    model: nn.Module, member: dict[str, Any], pixels: np.ndarray, device: torch.device
) -> Iterator[torch.Tensor]:
    """Logits float32 [B, C] on the CPU for one batch of images after another."""
    model.eval()
    for batch in _batches(pixels):
        with torch.inference_mode():
            yield model(prepare(batch, member, device)).float().cpu()


def infer(
    member: dict[str, Any],
    network: Network,
    dataset: str,
    validation: ValidationSet,
    attributions: dict[str, Any],
    activation_samples: int,
    device: torch.device,
    weights_digest: str,
    outputs: Any,
) -> None:
    """Record logits, attributions and activations of one member on one validation set.

    `outputs` has the paths predictions, record, attributions and activations. Raises StudyError for logits that are
    NaN or infinite, naming the first sample.
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

    An activation is the input of the classifier head; that of a convolutional head is averaged over space.
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


def attribute(
    member: dict[str, Any],
    network: Network,
    validation: ValidationSet,
    logits: np.ndarray,
    settings: dict[str, Any],
    device: torch.device,
    title: str,
) -> np.ndarray:
    """Attribution maps float16 [n, S, S] of the first n samples at the size S of the stored images.

    Absolute values are summed over the channels. Each map is scaled to maximum 1, which no similarity measure notices,
    because small gradients would vanish in float16; a map that is zero everywhere stays zero.
    """
    n, size = min(settings["samples"], len(validation.samples)), validation.images.shape[1]
    targets = torch.from_numpy(logits.argmax(1) if settings["target"] == "prediction" else np.array(validation.labels))
    method = ATTRIBUTIONS[settings["method"]]
    maps = []
    batches = progress(_batches(validation.images[:n]), title, "batch", total=-(-n // BATCH))
    for batch, target in zip(batches, targets[:n].split(BATCH), strict=True):
        images = prepare(batch, member, device).requires_grad_()
        values = method(network.model, images, target.to(device), settings["steps"])
        heat = values.detach().abs().sum(1, keepdim=True)
        maps.append(_in_frame(heat, seen(member, size), size).clamp(min=0).cpu())
    heat = torch.cat(maps)
    largest = heat.amax((1, 2), keepdim=True)
    return (heat / largest.where(largest > 0, torch.ones(()))).numpy().astype(np.float16)


def _in_frame(heat: torch.Tensor, part: slice, size: int) -> torch.Tensor:
    """Maps [B, 1, s, s] at their place in the stored image, [B, S, S]: zero where the member does not look."""
    margins = (part.start, size - part.stop) * 2
    return nn.functional.pad(resized(heat, part.stop - part.start).squeeze(1), margins)


Attribution = Callable[[nn.Module, torch.Tensor, torch.Tensor, int], torch.Tensor]


def _saliency(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    from captum.attr import Saliency

    return Saliency(model).attribute(images, target=target)


def _input_x_gradient(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    from captum.attr import InputXGradient

    return InputXGradient(model).attribute(images, target=target)


def _integrated_gradients(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    """Sundararajan et al. 2017; the internal batch keeps memory at that of one batch (captum #245, #538)."""
    from captum.attr import IntegratedGradients

    return IntegratedGradients(model).attribute(images, target=target, n_steps=steps, internal_batch_size=BATCH)


def _guided_backprop(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    """Springenberg et al. 2015; it changes ReLU only, so for a network without ReLU it is the plain gradient."""
    from captum.attr import GuidedBackprop

    return GuidedBackprop(model).attribute(images, target=target)


ATTRIBUTIONS: dict[str, Attribution] = {
    "Saliency": _saliency,
    "InputXGradient": _input_x_gradient,
    "IntegratedGradients": _integrated_gradients,
    "GuidedBackprop": _guided_backprop,
}
