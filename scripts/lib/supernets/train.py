"""A super-network: an ordinary network made elastic, then trained by progressive shrinking.

The loop is this project's, and the schedule is NNCF's. So the state after an epoch contains only tensors and numbers
and nothing that must be unpickled, and a training that was killed and resumed ends with the same weights.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn

from scripts.lib.datasets.image_set import ImageSet, centre
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import digest_of_file, save_json, save_table
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.vision import torchvision
from scripts.lib.networks.weights import read_weights, save_weights_of
from scripts.lib.supernets.batch_norm import Batches, adaptation_batches, adaptation_samples, recalibrate
from scripts.lib.supernets.elastic import Supernet
from scripts.lib.training.batches import Loader, Transformed
from scripts.lib.training.inputs import DIGEST_OF_IMAGES
from scripts.lib.training.state import Part, make_record, restore, save_state

STAGES: dict[str, Any] = {
    "supernet": pl.String,
    "stage": pl.UInt16,
    "dimensions": pl.String,
    "epoch": pl.UInt16,
    "subnet": pl.String,
    "accuracy": pl.Float64,
    "macs": pl.Int64,
    "loss": pl.Float64,
}


class Images:
    """Two disjoint parts of the training images: one to train on, and one to compare sub-networks on."""

    def __init__(self, training: ImageSet, settings: dict[str, Any], datasets: dict[str, Any]) -> None:
        where, seed = f"supernets/{settings['id']}", derive(settings["seed"], "images")
        held_out = settings["evaluation_images"]
        count = len(training) - held_out if settings["training_images"] is None else settings["training_images"]
        both, _ = training.subset(count + held_out, seed, f"{where}/training_images and evaluation_images")
        order = np.random.default_rng(derive(settings["seed"], "held out")).permutation(count + held_out)
        self.training = both.rows(np.sort(order[:count]))
        compared = both.rows(np.sort(order[count:]))
        size, resize = datasets["image_size"], datasets["resize"] or datasets["image_size"]
        self.pixels = np.stack([centre(image, resize, size) for image in compared.images])
        self.labels = compared.labels


def accuracy(model: nn.Module, settings: dict[str, Any], images: Images, device: torch.device) -> float:
    """Top-1 accuracy, in percent, on the images that are held out of the super-network's training."""
    predicted = torch.cat(list(logits_in_batches(model, settings, images.pixels, device))).argmax(1).numpy()
    return 100 * float((predicted == images.labels).mean())


@dataclass(frozen=True)
class SupernetInputs:
    """What a super-network is trained on: `digest` is that of the record of the checked training images.

    `datasets` has the sizes of the study's images, `base_weights` is the file to start from (None: torchvision's).
    """

    training: ImageSet
    digest: str
    datasets: dict[str, Any]
    base_weights: str | None


@dataclass(frozen=True)
class SupernetOutputs:
    """Paths that are written; `resume` has the state after the last finished epoch while the training is running."""

    weights: str
    record: str
    stages: str
    resume: str


def train_supernet(
    settings: dict[str, Any], inputs: SupernetInputs, device: torch.device, workers: int, outputs: SupernetOutputs
) -> None:
    """Train a super-network; write its weights (under torchvision's names), its record and the metrics of its stages.

    `settings` is the study's entry with architecture, image size and transforms. Raises StudyError if base weights do
    not fit, NNCF refuses the settings, or the loss is not finite.
    """
    # With other weights it is another super-network.
    settings = settings | {"base_weights": _digest(settings, inputs.base_weights)}
    identity = settings | {"datasets": inputs.datasets, DIGEST_OF_IMAGES: inputs.digest}
    images, classes = Images(inputs.training, settings, inputs.datasets), inputs.training.classes
    supernet, batches = elastic(settings, images, len(classes), device, inputs.base_weights)
    loader = Loader(Transformed(images.training, settings), settings, workers)
    rate = supernet.stages[0].init_lr or 1  # NNCF sets the learning rate before the first step
    # Not fused: torch's fused form fails if blocks that were left out of a step have no gradient.
    optimizer = torch.optim.SGD(supernet.model.parameters(), rate, **settings["optimizer"])
    supernet.start_training(optimizer, len(loader))
    parts: dict[str, Part] = {"model": supernet.model, "optimizer": optimizer}
    history = restore(outputs.resume, identity, parts)
    if history:
        supernet.resume_after(len(history))
    loop = _Loop(settings, supernet, loader, optimizer, images, batches, device)
    for epoch in range(len(history), sum(stage.epochs for stage in supernet.stages)):
        history.append(loop.epoch(epoch))
        save_state(outputs.resume, identity, parts, history)
    save_weights_of(supernet.weights(), outputs.weights)
    content = make_record(settings, classes, len(images.training), history, device, outputs.weights)
    save_json(outputs.record, content | {"space": supernet.space()})
    save_table(outputs.stages, stages_table(settings["id"], history))
    Path(outputs.resume).unlink(missing_ok=True)


def elastic(
    settings: dict[str, Any], images: Images, classes: int, device: torch.device, weights: str | None
) -> tuple[Supernet, Batches]:
    """The network with its base's (or a trained super-network's) weights, made elastic, and batches for batch norm."""
    seed_everything(derive(settings["seed"], "initialisation"))
    model = build(settings, classes).model
    _load_base(model, settings, weights, classes)
    to_device(model, device)
    batches = adaptation_batches(images.training, settings, adaptation_samples(settings), device)
    return Supernet(model, settings, batches, device), batches


def _digest(settings: dict[str, Any], weights: str | None) -> str:
    if weights is None:
        return settings["base"]["torchvision"]
    if not Path(weights).is_file():
        raise StudyError(f"supernets/{settings['id']}/base: the weights {weights} do not exist: correct the path.")
    return digest_of_file(weights)


def _load_base(model: nn.Module, settings: dict[str, Any], path: str | None, classes: int) -> None:
    """Load the weights that the super-network starts from. Raises StudyError saying what does not fit."""
    where, state = f"supernets/{settings['id']}/base", model.state_dict()
    loaded = read_weights(path) if path else _pretrained(settings, where)
    if differing := sorted(state.keys() ^ loaded.keys()):
        listing = f"{len(differing)} names differ, the first is {differing[0]}"
        raise StudyError(f"{where}: the weights do not fit the architecture: {listing}.")
    for name, tensor in state.items():
        if tensor.shape != loaded[name].shape:
            raise StudyError(
                f"{where}: the weights do not fit: {name} has the shape {tuple(loaded[name].shape)}, the architecture "
                f"with the study's {classes} classes needs {tuple(tensor.shape)}."
            )
    model.load_state_dict(state | loaded)


def _pretrained(settings: dict[str, Any], where: str) -> dict[str, torch.Tensor]:
    """torchvision's weights of the ResNet with these layers, from its cache or the network."""
    network, block = settings["architecture"], settings["architecture"]["block"]
    names = {("basic", (2, 2, 2, 2)): "18", ("basic", (3, 4, 6, 3)): "34", ("bottleneck", (3, 4, 6, 3)): "50"}
    names |= {("bottleneck", (3, 4, 23, 3)): "101", ("bottleneck", (3, 8, 36, 3)): "152"}
    size, name = names.get((block, tuple(network["layers"]))), settings["base"]["torchvision"]
    if size is None:
        raise StudyError(f"{where}/torchvision: torchvision has no weights for layers {network['layers']} of {block}s.")
    try:
        weights = torchvision.models.get_weight(f"ResNet{size}_Weights.{name}")
        return weights.get_state_dict(weights_only=True)
    except (ValueError, OSError) as error:
        raise StudyError(
            f"{where}/torchvision: ResNet{size}_Weights.{name} is not available ({error}). Without network access, "
            "give a safetensors file as `weights` instead."
        ) from None


@dataclass(frozen=True)
class _Loop:
    """Everything that an epoch of a super-network's training needs."""

    settings: dict[str, Any]
    supernet: Supernet
    loader: Loader
    optimizer: torch.optim.Optimizer
    images: Images
    batches: Batches
    device: torch.device

    def epoch(self, epoch: int) -> dict[str, Any]:
        """One pass over the training images, each step with another sub-network; returns a line of the history."""
        start, supernet = time.perf_counter(), self.supernet
        shuffled = self.loader.epoch(epoch)  # sets the random streams, from which sub-networks are also drawn
        stage = supernet.start_epoch()
        title = f"supernet {self.settings['id']} stage {stage + 1}/{len(supernet.stages)} epoch {epoch + 1}"
        loss = self._pass(shuffled, title, stage, epoch)
        line: dict[str, Any] = {
            "epoch": epoch + 1,
            "stage": stage + 1,
            "dimensions": "+".join(dimension.value for dimension in supernet.stages[stage].train_dims),
            "loss": loss,
            **self._extremes(),
            "seconds": time.perf_counter() - start,
        }
        smallest, largest = (line[name]["accuracy"] for name in ("smallest", "largest"))
        log.info("%s: loss %.3f, smallest sub-network %.1f %%, largest %.1f %%", title, loss, smallest, largest)
        return line

    def _pass(self, shuffled: Iterator[Any], title: str, stage: int, epoch: int) -> float:
        """All steps of an epoch; returns the mean loss."""
        supernet, losses, seen = self.supernet, 0.0, 0
        supernet.model.train()
        for inputs, labels in progress(shuffled, title, "batch", total=len(self.loader)):
            supernet.start_step()
            inputs = inputs.to(self.device, memory_format=torch.channels_last)
            labels = labels.to(self.device)
            loss = nn.functional.cross_entropy(supernet.model(inputs), labels) + supernet.penalty()
            _require_finite(loss.item(), self.settings["id"], stage, epoch)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses += loss.item() * len(labels)
            seen += len(labels)
        return losses / seen

    def _extremes(self) -> dict[str, dict[str, float]]:
        """Accuracy of the stage's smallest and largest sub-network, each with its own batch norm statistics."""
        supernet, found = self.supernet, {}
        for name, activate in (("smallest", supernet.activate_smallest), ("largest", supernet.activate_largest)):
            activate()
            recalibrate(supernet.model, self.batches)
            score = accuracy(supernet.model, self.settings, self.images, self.device)
            found[name] = {"accuracy": score, "macs": supernet.macs()}
        return found


def _require_finite(loss: float, supernet: str, stage: int, epoch: int) -> None:
    if not math.isfinite(loss):
        where = f"supernets/{supernet}/bootstrapNAS/training/schedule/list_stage_descriptions/{stage}/init_lr"
        raise StudyError(f"the training of {supernet} diverged in epoch {epoch + 1} (loss {loss}): lower {where}.")


def stages_table(supernet: str, history: list[dict[str, Any]]) -> pl.DataFrame:
    """Two rows per epoch: the smallest and the largest sub-network of its stage."""
    rows = [
        {"supernet": supernet, "subnet": name, **line[name], **{key: line[key] for key in STAGES if key in line}}
        for line in history
        for name in ("smallest", "largest")
    ]
    return pl.DataFrame(rows, schema=STAGES)
