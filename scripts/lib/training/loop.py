"""Supervised training of one member, in a loop that can be killed after any step and resumed at the last epoch."""

import io
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler

from scripts.lib.datasets.images import ImageSet, ValidationSet
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.device import device_name
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import checksums, save_json, whole_file
from scripts.lib.jobs.versions import versions
from scripts.lib.networks.architectures import build, place, save_weights
from scripts.lib.networks.vision import timm, torchvision
from scripts.lib.training.distributed import rank, total, with_shared_batch_norm, world
from scripts.lib.training.steps import Steps, memory_advice

transforms = torchvision.transforms
Scheduler = timm.scheduler.scheduler.Scheduler

# Optimizers that torch can run in one pass over the weights; small batches spend a tenth of their time there.
FUSED = {"SGD", "AdamW"}
# The defaults of the study's section `training`.
PLAIN: dict[str, Any] = {"precision": "float32", "images_at_once": None, "compile": False, "gpus": 1}


def train(
    member: dict[str, Any],
    training: ImageSet,
    validation: ValidationSet,
    device: torch.device,
    workers: int,
    weights: str,
    record: str,
    resume: str,
    scale: dict[str, Any] = PLAIN,
) -> None:
    """Train `member` and write its weights and its record; the state after each epoch goes to `resume`.

    `validation` (the clean set) is only looked at for the learning curve: nothing is chosen by it. `scale` is the
    study's section `training`. Raises StudyError if the loss stops being finite, if `resume` is of another recipe, or
    if the device has too little memory.
    """
    seed_everything(derive(member["seed"], "initialisation"))
    model = build(member, len(training.classes)).model
    fit(model, member, training, validation, device, workers, weights, record, resume, scale)


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
    scale: dict[str, Any] = PLAIN,
    finish: Callable[[nn.Module], None] = lambda model: None,
) -> None:
    """Train those parameters of `model` that require a gradient, and write weights and record (see `train`).

    `finish` may change the trained model before it is written.
    """
    where = f"members/{member['id']}/training_images"
    chosen, _ = training.subset(member["training_images"], derive(member["seed"], "images"), where)
    _check_labels(chosen, validation)
    model = place(with_shared_batch_norm(model, device), device)
    loader = Loader(Transformed(chosen, member), member, workers)
    optimizer = make_optimizer(model, member["optimizer"])
    schedule = make_schedule(optimizer, member["schedule"], member["epochs"], len(loader))
    steps = Steps(model, optimizer, scale, device)
    parts: dict[str, Part] = {"model": model, "optimizer": optimizer, "scaler": steps.scaler}
    history = restore(resume, member, parts, device)
    with memory_advice(f"members/{member['id']}", member["batch_size"], scale):
        for epoch in range(len(history), member["epochs"]):
            history.append(_epoch(epoch, member, model, loader, steps, schedule, validation, device))
            save_state(resume, member, parts, history)
    if rank() == 0:
        finish(model)
        save_weights(model, weights)
        save_json(record, make_record(member, training.classes, len(chosen), history, device, weights))
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


class Transformed(Dataset[tuple[torch.Tensor, int]]):
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


class _Shares(Sampler[list[int]]):
    """This process's share of every batch; where there is one process, the batch."""

    def __init__(self, batches: BatchSampler) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            yield batch[rank() :: world()]


class Loader:
    """Batches of an epoch. Order and augmentation depend only on the seed in `settings` and the epoch's number.

    `batch` is the number of images in a step of all processes together.
    """

    def __init__(self, images: Dataset[Any], settings: dict[str, Any], workers: int) -> None:
        self.seed, self.order = settings["seed"], torch.Generator()
        count: int = len(images)  # type: ignore[arg-type]
        self.batch = min(settings["batch_size"], count)
        if self.batch < world():
            raise StudyError(f"a batch of {self.batch} images cannot be shared by {world()} processes.")
        in_order = RandomSampler(images, generator=self.order)  # type: ignore[arg-type]
        self.loader = DataLoader(
            images,
            # A last batch of one image would break batch norm.
            batch_sampler=_Shares(BatchSampler(in_order, self.batch, drop_last=True)),
            num_workers=workers,
            generator=self.order,
            pin_memory=torch.cuda.is_available(),
        )

    def __len__(self) -> int:
        return len(self.loader)

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches of one epoch, with the random streams of that epoch."""
        self.order.manual_seed(derive(self.seed, "order", epoch))
        seed_everything(derive(self.seed, "augmentation", epoch, *([rank()] if rank() else [])))
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
    steps: Steps,
    schedule: Scheduler,
    validation: ValidationSet,
    device: torch.device,
) -> dict[str, Any]:
    """One pass over the training images and one look at the validation images; returns a line of the history."""
    start = time.perf_counter()
    title = f"train {member['id']} epoch {epoch + 1}/{member['epochs']}"
    bar = progress(loader.epoch(epoch), title, "batch", total=len(loader))
    losses, right, seen = 0.0, 0.0, 0.0
    # The batch norm of a frozen backbone keeps its statistics, and its dropout is off.
    steps.model.train(all(parameter.requires_grad for parameter in model.parameters()))
    for step, (images, labels) in enumerate(bar, start=epoch * len(loader)):
        schedule.step_update(step)
        images = images.to(device, memory_format=torch.channels_last, non_blocking=True)
        labels = labels.to(device, non_blocking=True)
        logits, loss = steps.classify(images, labels, loader.batch)
        require_finite(loss, f"members/{member['id']}", member, epoch, step)
        steps.finish()
        losses += loss * len(labels)
        right += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
        bar.set_postfix(loss=f"{losses / seen:.3f}", refresh=False)
    losses, right, seen = total([losses, right, seen], device)
    accuracy = _accuracy(model, member, validation, device) if rank() == 0 else float("nan")
    log.info("%s: loss %.3f, validation accuracy %.1f %%", title, losses / seen, accuracy)
    return {
        "epoch": epoch + 1,
        "loss": losses / seen,
        "learning_rate": steps.optimizer.param_groups[0]["lr"],
        "training_accuracy": 100 * right / seen,
        "validation_accuracy": accuracy,
        "seconds": time.perf_counter() - start,
    }


def require_finite(loss: float, where: str, settings: dict[str, Any], epoch: int, step: int) -> None:
    """Raise StudyError, naming the learning rate of the member or backbone at `where`, if a loss is NaN or infinite."""
    if not math.isfinite(loss):
        raise StudyError(
            f"the training of {settings['id']} diverged in epoch {epoch + 1}, step {step + 1} (loss {loss}): "
            f"lower {where}/optimizer/lr, now {settings['optimizer']['lr']}, or add warmup_epochs. The state of the "
            "last finished epoch is kept."
        )


def _accuracy(model: nn.Module, member: dict[str, Any], validation: ValidationSet, device: torch.device) -> float:
    predicted = torch.cat(list(logits_in_batches(model, member, validation.images, device))).argmax(1).numpy()
    return 100 * float((predicted == validation.labels).mean())


Part = nn.Module | torch.optim.Optimizer | torch.amp.GradScaler


def save_state(path: str, settings: dict[str, Any], parts: dict[str, Part], history: list[dict[str, Any]]) -> None:
    """Write what a training needs to go on after its last finished epoch; order and random streams follow from it."""
    if rank():
        return
    state = {"settings": settings, "history": history} | {name: part.state_dict() for name, part in parts.items()}
    content = io.BytesIO()  # torch's own writer does not say that the disk is full
    torch.save(state, content)
    with whole_file(path) as part:
        part.write_bytes(content.getbuffer())


def restore(path: str, settings: dict[str, Any], parts: dict[str, Part], device: torch.device) -> list[dict[str, Any]]:
    """Continue from the last finished epoch, if there is one; returns the history so far.

    Raises StudyError, naming the keys that differ, if the state is that of another recipe.
    """
    if not Path(path).exists():
        return []
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        before = state["settings"]
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the training can start over
        log.warning("train %s: %s cannot be read (%s), starting over", settings["id"], path, type(error).__name__)
        return []
    if differing := list(_differences(before, settings)):
        raise StudyError(
            f"{path} is of an unfinished training of {settings['id']} ({len(state['history'])} epochs) with another "
            f"recipe: {'; '.join(differing)}. Put the recipe back to go on with it, or delete the file to start over."
        )
    for name, part in parts.items():
        part.load_state_dict(state[name])
    log.info("train %s: resumed after epoch %d", settings["id"], len(state["history"]))
    return state["history"]


def _differences(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """`optimizer/lr was 0.1, is 0.2` for every key that differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            yield from _differences(before.get(key), now.get(key), f"{where}/{key}" if where else key)
    elif before != now:
        yield f"{where} was {before}, is {now}"


def make_record(
    member: dict[str, Any],
    classes: list[str],
    images: int,
    history: list[dict[str, Any]],
    device: torch.device,
    weights: str,
) -> dict[str, Any]:
    """How the file `weights` came about; `member` is the member (or the backbone) with its complete recipe."""
    return {
        "member": member,
        "classes": classes,
        "training_images": images,
        "history": history,
        "seconds": sum(line["seconds"] for line in history),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "checksums": checksums(weights=weights),
    }
