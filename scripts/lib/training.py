"""Supervised training of one member, in a loop that can be killed after any step and resumed at the last epoch."""

import io
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from scripts.lib.datasets import ImageSet, ValidationSet
from scripts.lib.device import device_name
from scripts.lib.errors import StudyError
from scripts.lib.inference import logits_in_batches
from scripts.lib.job import log, progress
from scripts.lib.members import build, place, save_weights
from scripts.lib.randomness import derive, seed_everything
from scripts.lib.storage import save_json, whole_file
from scripts.lib.versions import versions
from scripts.lib.vision import timm, torchvision

transforms = torchvision.transforms
Scheduler = timm.scheduler.scheduler.Scheduler

# Optimizers that torch can run in one pass over the weights; small batches spend a tenth of their time there.
FUSED = {"SGD", "AdamW"}


def train(
    member: dict[str, Any],
    training: ImageSet,
    validation: ValidationSet,
    device: torch.device,
    workers: int,
    weights: str,
    record: str,
    resume: str,
) -> None:
    """Train `member` and write its weights and its record; the state after each epoch goes to `resume`.

    `validation` (the clean set) is only looked at for the learning curve: nothing is chosen by it.
    Raises StudyError if the loss stops being finite.
    """
    seed_everything(derive(member["seed"], "initialisation"))
    model = build(member, len(training.classes)).model
    fit(model, member, training, validation, device, workers, weights, record, resume)


def fit(
    model: nn.Module,
    member: dict[str, Any],
    training: ImageSet,
    validation: ValidationSet,
    device: torch.device,
    workers: int,
    weights: str,
    record: str,
    resume: str,
) -> None:
    """Train those parameters of `model` that require a gradient, and write weights and record (see `train`)."""
    where = f"members/{member['id']}/training_images"
    chosen, _ = training.subset(member["training_images"], derive(member["seed"], "images"), where)
    _check_labels(chosen, validation)
    place(model, device)
    loader = Loader(_Transformed(chosen, member), member, workers)
    optimizer = make_optimizer(model, member["optimizer"])
    schedule = make_schedule(optimizer, member["schedule"], member["epochs"], len(loader))
    parts: dict[str, Part] = {"model": model, "optimizer": optimizer}
    history = restore(resume, member, parts, device)
    for epoch in range(len(history), member["epochs"]):
        history.append(_epoch(epoch, member, model, loader, optimizer, schedule, validation, device))
        save_state(resume, member, parts, history)
    save_weights(model, weights)
    save_json(record, make_record(member, training.classes, len(chosen), history, device))
    Path(resume).unlink(missing_ok=True)


def _check_labels(training: ImageSet, validation: ValidationSet) -> None:
    present = np.unique(training.labels)
    if len(present) < len(training.classes):
        absent = [name for label, name in enumerate(training.classes) if label not in present]
        raise StudyError(f"no training image has the class {', '.join(absent)}: take more training_images.")
    if validation.labels.max() >= len(training.classes):
        raise StudyError(
            f"a validation label is {validation.labels.max()}, but there are {len(training.classes)} training classes."
        )


class _Transformed(Dataset[tuple[torch.Tensor, int]]):
    """Training images after the augmentation of Table iii."""

    def __init__(self, images: ImageSet, member: dict[str, Any]) -> None:
        self.images = images
        self.augment = training_transforms(member)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.augment(self.images.images[row]), int(self.images.labels[row])


def training_transforms(member: dict[str, Any]) -> Any:
    """RandomResizedCrop, RandomHorizontalFlip, Normalize (paper, Table iii): RGB picture → float32 [3, S, S]."""
    settings = member["transforms"]
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(
                member["image_size"], tuple(settings["crop_scale"]), tuple(settings["crop_ratio"])
            ),
            transforms.RandomHorizontalFlip(settings["horizontal_flip"]),
            transforms.ToTensor(),
            transforms.Normalize(settings["mean"], settings["std"]),
        ]
    )


class Loader:
    """Batches of an epoch. Order and augmentation depend only on the seed in `settings` and the epoch's number."""

    def __init__(self, images: Dataset[Any], settings: dict[str, Any], workers: int) -> None:
        self.seed, self.order = settings["seed"], torch.Generator()
        batch_size: int = settings["batch_size"]
        self.loader = DataLoader(
            images,
            batch_size=batch_size,
            shuffle=True,
            drop_last=len(images) > batch_size,  # type: ignore[arg-type]  # a last batch of one would break batch norm
            num_workers=workers,
            generator=self.order,
        )

    def __len__(self) -> int:
        return len(self.loader)

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches of one epoch, with the random streams of that epoch."""
        self.order.manual_seed(derive(self.seed, "order", epoch))
        seed_everything(derive(self.seed, "augmentation", epoch))
        return iter(self.loader)


def make_optimizer(model: nn.Module, settings: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimizer of `torch.optim` that the study names, with its parameters."""
    parameters = {key: value for key, value in settings.items() if key != "name"}
    if settings["name"] in FUSED:
        parameters["fused"] = True
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return getattr(torch.optim, settings["name"])(trained, **parameters)


def make_schedule(
    optimizer: torch.optim.Optimizer, settings: dict[str, Any], epochs: int, iterations: int
) -> Scheduler:
    """timm's step or cosine schedule, counted in iterations, because "every 2.4 epochs" is no whole epoch."""
    warmup = round(settings["warmup_epochs"] * iterations)
    common: dict[str, Any] = {"t_in_epochs": False, "warmup_t": warmup, "warmup_prefix": False}
    if settings["name"] == "cosine":
        return timm.scheduler.CosineLRScheduler(optimizer, t_initial=epochs * iterations, **common)
    steps = settings if settings["name"] == "step" else {"every_epochs": 1, "gamma": 1}  # a constant rate
    return timm.scheduler.StepLRScheduler(
        optimizer, decay_t=max(1, round(steps["every_epochs"] * iterations)), decay_rate=steps["gamma"], **common
    )


def _epoch(
    epoch: int,
    member: dict[str, Any],
    model: nn.Module,
    loader: Loader,
    optimizer: torch.optim.Optimizer,
    schedule: Scheduler,
    validation: ValidationSet,
    device: torch.device,
) -> dict[str, Any]:
    """One pass over the training images and one look at the validation images; returns a line of the history."""
    start = time.perf_counter()
    title = f"train {member['id']} epoch {epoch + 1}/{member['epochs']}"
    bar = progress(loader.epoch(epoch), title, "batch", total=len(loader))
    losses, right, seen = 0.0, 0, 0
    # The batch norm of a frozen backbone keeps its statistics, and its dropout is off.
    model.train(all(parameter.requires_grad for parameter in model.parameters()))
    for step, (images, labels) in enumerate(bar, start=epoch * len(loader)):
        schedule.step_update(step)
        images, labels = images.to(device, memory_format=torch.channels_last), labels.to(device)
        logits = model(images)
        loss = nn.functional.cross_entropy(logits, labels)
        require_finite(loss.item(), f"members/{member['id']}", member, epoch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += loss.item() * len(labels)
        right += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
        bar.set_postfix(loss=f"{losses / seen:.3f}", refresh=False)
    accuracy = _accuracy(model, member, validation, device)
    log.info("%s: loss %.3f, validation accuracy %.1f %%", title, losses / seen, accuracy)
    return {
        "epoch": epoch + 1,
        "loss": losses / seen,
        "learning_rate": optimizer.param_groups[0]["lr"],
        "training_accuracy": 100 * right / seen,
        "validation_accuracy": accuracy,
        "seconds": time.perf_counter() - start,
    }


def require_finite(loss: float, where: str, settings: dict[str, Any], epoch: int) -> None:
    """Raise StudyError, naming the learning rate of the member or backbone at `where`, if a loss is NaN or infinite."""
    if not math.isfinite(loss):
        raise StudyError(
            f"the training of {settings['id']} diverged in epoch {epoch + 1} (loss {loss}): "
            f"lower {where}/optimizer/lr, now {settings['optimizer']['lr']}, or add warmup_epochs."
        )


def _accuracy(model: nn.Module, member: dict[str, Any], validation: ValidationSet, device: torch.device) -> float:
    predicted = torch.cat(list(logits_in_batches(model, member, validation.images, device))).argmax(1).numpy()
    return 100 * float((predicted == validation.labels).mean())


Part = nn.Module | torch.optim.Optimizer


def save_state(path: str, settings: dict[str, Any], parts: dict[str, Part], history: list[dict[str, Any]]) -> None:
    """Write all that a training needs to go on after its last finished epoch."""
    state = {"settings": settings, "history": history} | {name: part.state_dict() for name, part in parts.items()}
    content = io.BytesIO()  # torch's own writer does not say that the disk is full
    torch.save(state, content)
    with whole_file(path) as part:
        part.write_bytes(content.getbuffer())


def restore(path: str, settings: dict[str, Any], parts: dict[str, Part], device: torch.device) -> list[dict[str, Any]]:
    """Continue from the last finished epoch of the same recipe, if there is one; returns the history so far."""
    if not Path(path).exists():
        return []
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        same_recipe = state["settings"] == settings
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the training can start over
        log.warning("train %s: %s cannot be read (%s), starting over", settings["id"], path, type(error).__name__)
        return []
    if not same_recipe:
        return []
    for name, part in parts.items():
        part.load_state_dict(state[name])
    log.info("train %s: resumed after epoch %d", settings["id"], len(state["history"]))
    return state["history"]


def make_record(
    member: dict[str, Any], classes: list[str], images: int, history: list[dict[str, Any]], device: torch.device
) -> dict[str, Any]:
    """How weights came about; `member` is the member (or the backbone) with its complete recipe."""
    return {
        "member": member,
        "classes": classes,
        "training_images": images,
        "history": history,
        "seconds": sum(line["seconds"] for line in history),
        "device": device_name(device),
        "versions": versions(),
    }
