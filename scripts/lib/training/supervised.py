"""Supervised training of one member; it can be killed at any step and continues after the last finished epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import save_json
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.weights import save_weights
from scripts.lib.training.batches import Loader, Transformed
from scripts.lib.training.distributed import rank, total, with_shared_batch_norm
from scripts.lib.training.inputs import Run
from scripts.lib.training.job import TrainingJob
from scripts.lib.training.optimizers import Scheduler, make_optimizer, make_schedule
from scripts.lib.training.state import Part, make_record, restore, save_state
from scripts.lib.training.steps import Steps, memory_advice


def train_member(**job: Any) -> None:
    """Train one member on labels. Arguments: the fields of a `TrainingJob`."""
    opened = TrainingJob(**job)
    train(opened.settings, opened.run())


def train(member: dict[str, Any], run: Run) -> None:
    """Train `member` and write its weights and its record; the state after each epoch goes to `run.outputs.resume`.

    Raises StudyError if the loss is no longer finite, if the state belongs to another recipe, or if the device has too
    little memory.
    """
    seed_everything(derive(member["seed"], "initialisation"))
    fit(build(member, len(run.training.classes)).model, member, run)


def fit(
    model: nn.Module, member: dict[str, Any], run: Run, finish: Callable[[nn.Module], None] = lambda model: None
) -> None:
    """Train the parameters of `model` that require a gradient, and write weights and record (see `train`).

    `finish` may change the trained model before it is written.
    """
    where, device, outputs = f"members/{member['id']}", run.device, run.outputs
    chosen, _ = run.training.subset(
        member["training_images"], derive(member["seed"], "images"), f"{where}/training_images"
    )
    check_labels(chosen, run.validation)
    model = to_device(with_shared_batch_norm(model, device), device)
    loader = Loader(Transformed(chosen, member), member, run.workers)
    optimizer = make_optimizer(model, member["optimizer"])
    schedule = make_schedule(optimizer, member["schedule"], member["epochs"], len(loader))
    loop = _Loop(member, model, loader, schedule, Steps(model, optimizer, run.scale, device), run.validation, device)
    parts: dict[str, Part] = {"model": model, "optimizer": optimizer, "scaler": loop.steps.scaler}
    identity = run.identity(member)
    with memory_advice(where, member["batch_size"], run.scale):
        history = restore(outputs.resume, identity, parts)
        for epoch in range(len(history), member["epochs"]):
            history.append(loop.epoch(epoch))
            save_state(outputs.resume, identity, parts, history)
    if rank() == 0:
        finish(model)
        save_weights(model, outputs.weights)
        record = make_record(run.recipe(member), run.training.classes, len(chosen), history, device, outputs.weights)
        save_json(outputs.record, record)
        Path(outputs.resume).unlink(missing_ok=True)


def check_labels(training: ImageSet, validation: ValidationSet) -> None:
    """Raise StudyError if a class has no training image, or a validation label is not a class."""
    present = np.unique(training.labels)
    if len(present) < len(training.classes):
        absent = [name for label, name in enumerate(training.classes) if label not in present]
        raise StudyError(f"no training image has the class {', '.join(absent)}: use more training_images.")
    if validation.labels.max() >= len(training.classes):
        raise StudyError(
            f"a validation label is {validation.labels.max()}, but there are {len(training.classes)} training classes."
        )


@dataclass(frozen=True)
class _Loop:
    """Everything that an epoch of a member's training needs."""

    member: dict[str, Any]
    model: nn.Module
    loader: Loader
    schedule: Scheduler
    steps: Steps
    validation: ValidationSet
    device: torch.device

    def epoch(self, epoch: int) -> dict[str, Any]:
        """One pass over the training images, then the accuracy on the validation images, as a line of the history."""
        start = time.perf_counter()
        title = f"train {self.member['id']} epoch {epoch + 1}/{self.member['epochs']}"
        loss, training_accuracy = self._pass(epoch, title)
        accuracy = self._accuracy() if rank() == 0 else float("nan")
        log.info("%s: loss %.3f, validation accuracy %.1f %%", title, loss, accuracy)
        return {
            "epoch": epoch + 1,
            "loss": loss,
            "learning_rate": self.steps.optimizer.param_groups[0]["lr"],
            "training_accuracy": training_accuracy,
            "validation_accuracy": accuracy,
            "seconds": time.perf_counter() - start,
        }

    def _pass(self, epoch: int, title: str) -> tuple[float, float]:
        """All steps of an epoch; returns mean loss and accuracy (in percent) over all processes."""
        bar = progress(self.loader.epoch(epoch), title, "batch", total=len(self.loader))
        losses, correct, seen = 0.0, 0.0, 0.0
        # The batch norm of a frozen backbone keeps its statistics, and its dropout is off.
        self.steps.model.train(all(parameter.requires_grad for parameter in self.model.parameters()))
        for step, (images, labels) in enumerate(bar, start=epoch * len(self.loader)):
            self.schedule.step_update(step)
            images = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
            labels = labels.to(self.device, non_blocking=True)
            logits, loss = self.steps.classify(images, labels, self.loader.batch)
            require_finite(loss, f"members/{self.member['id']}", self.member, epoch, step)
            self.steps.finish()
            losses += loss * len(labels)
            correct += int((logits.argmax(1) == labels).sum())
            seen += len(labels)
            bar.set_postfix(loss=f"{losses / seen:.3f}", refresh=False)
        losses, correct, seen = total([losses, correct, seen], self.device)
        return losses / seen, 100 * correct / seen

    def _accuracy(self) -> float:
        """Accuracy on the validation images, in percent."""
        logits = logits_in_batches(self.model, self.member, self.validation.images, self.device)
        predicted = torch.cat(list(logits)).argmax(1).numpy()
        return 100 * float((predicted == self.validation.labels).mean())


def require_finite(loss: float, where: str, settings: dict[str, Any], epoch: int, step: int) -> None:
    """Raise StudyError, naming the learning rate of the member or backbone at `where`, if a loss is NaN or infinite."""
    if not math.isfinite(loss):
        raise StudyError(
            f"the training of {settings['id']} diverged in epoch {epoch + 1}, step {step + 1} (loss {loss}): "
            f"lower {where}/optimizer/lr, now {settings['optimizer']['lr']}, or add warmup_epochs. The state of the "
            "last finished epoch is kept."
        )
