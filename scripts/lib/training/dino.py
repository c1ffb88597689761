"""DINO (Caron et al. 2021): trains a backbone without labels; a student learns from a teacher, its moving average.

Loss, projection head and moving average come from lightly; the schedules are those of the paper.
"""

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from scripts.lib.datasets.image_set import ImageSet, centre
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import save_json
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.weights import save_weights
from scripts.lib.training.batches import Loader
from scripts.lib.training.distributed import rank, total, with_shared_batch_norm
from scripts.lib.training.inputs import Run
from scripts.lib.training.job import TrainingJob
from scripts.lib.training.optimizers import Scheduler, make_optimizer, make_schedule
from scripts.lib.training.state import make_record, restore, save_state
from scripts.lib.training.steps import Steps, memory_advice
from scripts.lib.training.supervised import require_finite
from scripts.lib.training.views import Views

# lightly imports torchvision, so it is imported after the module that makes this possible with a CPU-only torch.
# isort: split
from lightly.loss import DINOLoss
from lightly.models.modules import DINOProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule

KNN_TEMPERATURE = 0.07  # DINO's


def pretrain_backbone(**job: Any) -> None:
    """Train one backbone without labels. Arguments: the fields of a `TrainingJob`."""
    opened = TrainingJob(**job)
    pretrain(opened.settings, opened.run())


def pretrain(backbone: dict[str, Any], run: Run) -> None:
    """Train `backbone` without labels; write the teacher's weights, without a head, and the record.

    Labels are used only to monitor the training: after each epoch, validation images are classified by a vote of their
    k nearest training images. No decision depends on this accuracy. Raises StudyError if the loss is no longer finite.
    """
    where, outputs, device = f"backbones/{backbone['id']}", run.outputs, run.device
    chosen, _ = run.training.subset(
        backbone["training_images"], derive(backbone["seed"], "images"), f"{where}/training_images"
    )
    seed_everything(derive(backbone["seed"], "initialisation"))
    loop = Pretraining(backbone, chosen, run.workers, device, run.scale)
    check = _NearestNeighbours(backbone, chosen, run.validation, device)
    identity = run.identity(backbone)
    with memory_advice(where, backbone["batch_size"], run.scale, divided=False):
        history = restore(outputs.resume, identity, loop.parts)
        for epoch in range(len(history), backbone["epochs"]):
            start = time.perf_counter()
            line = loop.epoch(epoch) | {"knn_accuracy": check.accuracy(loop.teacher.backbone) if rank() == 0 else 0.0}
            history.append({"epoch": epoch + 1, **line, "seconds": time.perf_counter() - start})
            log.info("%s: loss %.3f, k-NN accuracy %.1f %%", loop.title(epoch), line["loss"], line["knn_accuracy"])
            save_state(outputs.resume, identity, loop.parts, history)
    if rank() == 0:
        save_weights(loop.teacher.backbone, outputs.weights)
        record = make_record(run.recipe(backbone), run.training.classes, len(chosen), history, device, outputs.weights)
        save_json(outputs.record, record)
        Path(outputs.resume).unlink(missing_ok=True)


def features_of(settings: dict[str, Any]) -> tuple[nn.Module, int]:
    """The untrained network of a backbone without its classifier, float32 [B, 3, H, W] → [B, D], and D."""
    network = build(settings, 1)
    head = network.model.get_submodule(network.head)
    if not isinstance(head, nn.Linear):
        raise StudyError(
            f"backbones/{settings['id']}/architecture: {settings['architecture']['name']} ends in a "
            f"{type(head).__name__}; a backbone needs a network whose last layer is a linear classifier."
        )
    network.model.set_submodule(network.head, nn.Identity())
    return network.model, head.in_features


class _Network(nn.Module):
    """Backbone and projection head, from a list of views [B, 3, H, W] to a list of outputs [B, K]."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self.backbone, features = features_of(settings)
        dino = settings["dino"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # lightly uses torch's older form of weight norm
            self.head = DINOProjectionHead(
                features,
                dino["hidden"],
                dino["bottleneck"],
                dino["outputs"],
                batch_norm=dino["head_batch_norm"],
                norm_last_layer=dino["normalise_last_layer"],
            )

    def forward(self, views: list[torch.Tensor]) -> list[torch.Tensor]:
        # Views of one size go through the backbone together.
        sizes = dict.fromkeys(view.shape[-1] for view in views)
        features = [self.backbone(torch.cat([view for view in views if view.shape[-1] == size])) for size in sizes]
        return list(self.head(torch.cat(features)).chunk(len(views)))


class _Viewed(Dataset[Any]):
    """Views of training images, as one batch for each view, float32 [B, 3, s, s]."""

    def __init__(self, images: ImageSet, settings: dict[str, Any]) -> None:
        self.images, self.views = images.images, Views(settings)

    def __len__(self) -> int:
        return len(self.images)

    def __getitems__(self, rows: list[int]) -> list[torch.Tensor]:
        return self.views.batch(self.images[row] for row in rows)


class Pretraining:
    """Student, teacher, and everything that changes from step to step."""

    def __init__(
        self, settings: dict[str, Any], images: ImageSet, workers: int, device: torch.device, scale: dict[str, Any]
    ) -> None:
        self.settings, self.dino, self.device = settings, settings["dino"], device
        self.student: Any = to_device(with_shared_batch_norm(_Network(settings), device), device)
        self.teacher: Any = to_device(with_shared_batch_norm(_Network(settings), device), device)
        self.teacher.load_state_dict(self.student.state_dict())
        deactivate_requires_grad(self.teacher)
        self.loss = DINOLoss(
            self.dino["outputs"],
            student_temp=self.dino["student_temperature"],
            center_momentum=self.dino["center_momentum"],
        ).to(device)
        self.loader = Loader(_Viewed(images, settings), settings, workers)
        self.optimizer = make_optimizer(self.student, settings["optimizer"])
        _decay_matrices_only(self.optimizer)
        self.schedule: Scheduler = make_schedule(
            self.optimizer, settings["schedule"], settings["epochs"], len(self.loader)
        )
        self.steps = Steps(self.student, self.optimizer, scale, device)
        self.parts: dict[str, Any] = {
            "student": self.student,
            "teacher": self.teacher,
            "loss": self.loss,
            "optimizer": self.optimizer,
            "scaler": self.steps.scaler,
        }

    def title(self, epoch: int) -> str:
        return f"pretrain {self.settings['id']} epoch {epoch + 1}/{self.settings['epochs']}"

    def epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the training images; returns mean loss and learning rate."""
        bar = progress(self.loader.epoch(epoch), self.title(epoch), "batch", total=len(self.loader))
        losses = []
        self.steps.model.train()
        self.teacher.train()
        for step, views in enumerate(bar, start=epoch * len(self.loader)):
            losses.append(self.step(step, epoch, views))
            bar.set_postfix(loss=f"{np.mean(losses):.3f}", refresh=False)
        loss, count = total([float(np.sum(losses)), len(losses)], self.device)
        return {"loss": loss / count, "learning_rate": self.optimizer.param_groups[0]["lr"]}

    def step(self, step: int, epoch: int, views: list[torch.Tensor]) -> float:
        self.schedule.step_update(step)
        self._set_weight_decay(step)
        views = [view.to(self.device, memory_format=torch.channels_last) for view in views]
        with self.steps.mixed:
            with torch.no_grad():
                expected = self.teacher(views[:2])  # the teacher sees the two global views only
            said = self.steps.model(views)
        temperature = self._teacher_temperature(step)
        loss = self.loss([out.float() for out in expected], [out.float() for out in said], teacher_temp=temperature)
        require_finite(loss.item(), f"backbones/{self.settings['id']}", self.settings, epoch, step)
        self.optimizer.zero_grad()
        self.steps.scaler.scale(loss).backward()
        self.steps.scaler.unscale_(self.optimizer)
        if self.dino["clip_gradients"]:
            nn.utils.clip_grad_norm_(self.student.parameters(), self.dino["clip_gradients"])
        if epoch < self.dino["frozen_last_layer_epochs"]:
            # Not None, from which torch's fused SGD could not continue later.
            self.student.head.last_layer.weight_v.grad.zero_()
        self.steps.finish()
        momentum = cosine_schedule(step, self._steps, self.dino["momentum"], 1.0)
        update_momentum(self.student, self.teacher, momentum)
        return loss.item()

    @property
    def _steps(self) -> int:
        return self.settings["epochs"] * len(self.loader)

    def _teacher_temperature(self, step: int) -> float:
        """Linear over the first epochs, then constant."""
        first, last = self.dino["first_teacher_temperature"], self.dino["teacher_temperature"]
        warmup = self.dino["teacher_temperature_epochs"] * len(self.loader)
        return last if step >= warmup else first + (last - first) * step / warmup

    def _set_weight_decay(self, step: int) -> None:
        """A cosine from the optimizer's weight decay to the final one, if the study sets a final one."""
        if self.dino["final_weight_decay"] is not None:
            start = self.settings["optimizer"]["weight_decay"]
            decay = cosine_schedule(step, self._steps, start, self.dino["final_weight_decay"])
            self.optimizer.param_groups[0]["weight_decay"] = decay


def _decay_matrices_only(optimizer: torch.optim.Optimizer) -> None:
    """Split the optimizer's parameters: biases and norms (vectors) have no weight decay, as in DINO."""
    [group] = optimizer.param_groups
    vectors = [parameter for parameter in group["params"] if parameter.ndim < 2]
    group["params"] = [parameter for parameter in group["params"] if parameter.ndim >= 2]
    optimizer.add_param_group({**group, "params": vectors, "weight_decay": 0.0})


class _NearestNeighbours:
    """Accuracy of the weighted vote of the nearest training images, by the cosine of their features."""

    def __init__(
        self, settings: dict[str, Any], training: ImageSet, validation: ValidationSet, device: torch.device
    ) -> None:
        self.view = {"image_size": settings["image_size"], "transforms": settings["views"]}
        knn = settings["knn"]
        bank, _ = training.subset(
            min(knn["images"], len(training)), derive(settings["seed"], "neighbours"), f"backbones/{settings['id']}/knn"
        )
        size = settings["image_size"]
        self.bank, self.bank_labels = np.stack([centre(image, size, size) for image in bank.images]), bank.labels
        self.validation, self.device, self.classes = validation, device, len(training.classes)
        self.neighbours = min(knn["neighbours"], len(bank))

    def accuracy(self, backbone: nn.Module) -> float:
        """Percentage of the validation images for which the vote is correct."""
        features, bank = (self._features(backbone, pixels) for pixels in (self.validation.images, self.bank))
        predicted = vote(features, bank, torch.from_numpy(self.bank_labels), self.classes, self.neighbours)
        return 100 * float((predicted.numpy() == self.validation.labels).mean())

    def _features(self, backbone: nn.Module, pixels: np.ndarray) -> torch.Tensor:
        features = torch.cat(list(logits_in_batches(backbone, self.view, pixels, self.device)))
        return nn.functional.normalize(features, dim=1)


def vote(
    features: torch.Tensor, bank: torch.Tensor, labels: torch.Tensor, classes: int, neighbours: int
) -> torch.Tensor:
    """The classes int64 [N] that the nearest rows of `bank` [M, D] (`labels` int64 [M]) vote for, weighted as in DINO.

    The rows of `bank` and of `features` [N, D] have length 1, so that their products are cosines.
    """
    cosines, nearest = (features @ bank.T).topk(neighbours)
    votes = torch.zeros(len(features), classes)
    return votes.scatter_add_(1, labels[nearest], (cosines / KNN_TEMPERATURE).exp()).argmax(1)
