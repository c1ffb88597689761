"""Training of the members of a group on one loss; it can be killed at any step and continues after the last epoch."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.lib.datasets.image_set import ImageSet, centre
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import save_json
from scripts.lib.networks.architectures import Network, build, to_device
from scripts.lib.networks.weights import save_weights
from scripts.lib.training.batches import Loader, Transformed
from scripts.lib.training.collapse import collapse
from scripts.lib.training.distributed import rank, total, with_shared_batch_norm
from scripts.lib.training.group_diversity import penalties, spread
from scripts.lib.training.group_outputs import GroupMember
from scripts.lib.training.group_steps import GroupSteps
from scripts.lib.training.inputs import Run
from scripts.lib.training.job import TrainingJob
from scripts.lib.training.optimizers import Scheduler, make_optimizer, make_schedule
from scripts.lib.training.state import Part, make_record, restore, save_state
from scripts.lib.training.steps import memory_advice
from scripts.lib.training.supervised import check_labels


def train_group(**job: Any) -> None:
    """Train the members of one group. Arguments: the fields of a `TrainingJob`, whose outputs are a folder of weights
    and records, one of each per member, and the record of the group."""
    opened = TrainingJob(**job)
    train(opened.settings, opened.run())


def train(group: dict[str, Any], run: Run) -> None:
    """Train all members of `group`, whose `members` are complete entries, on its loss.

    Every member starts from the initial weights that it would have alone (its seed), and sees the images, the order and
    the crops of the group (the group's seed). Writes weights and record of each member, then the record of the group;
    the state after each epoch goes to `run.outputs.resume`. Raises StudyError if the loss is no longer finite, if the
    state belongs to another recipe, or if the device has too little memory.
    """
    where = f"groups/{group['id']}"
    chosen, _ = run.training.subset(
        group["training_images"], derive(group["seed"], "images"), f"{where}/training_images"
    )
    check_labels(chosen, run.validation)
    members = [_member(entry, run) for entry in group["members"]]
    loop = _Loop(group, members, chosen, run)
    identity = run.identity(group)
    with memory_advice(where, group["batch_size"], run.scale):
        history = restore(run.outputs.resume, identity, loop.parts())
        for epoch in range(len(history), group["epochs"]):
            history.append(loop.epoch(epoch))
            save_state(run.outputs.resume, identity, loop.parts(), history)
        if rank() == 0:
            _write(group, members, chosen, history, run)


def _member(entry: dict[str, Any], run: Run) -> GroupMember:
    seed_everything(derive(entry["seed"], "initialisation"))
    built = build(entry, len(run.training.classes))
    model = to_device(with_shared_batch_norm(built.model, run.device), run.device)
    called = torch.compile(model) if run.scale["compile"] else model
    return GroupMember(entry, Network(model, built.head), called)  # type: ignore[arg-type]


def ramp(group: Mapping[str, Any], progress: float) -> dict[str, float]:
    """The weights of the loss after `progress` epochs: they grow from 0 over the first `ramp_epochs`."""
    share = min(1.0, progress / group["ramp_epochs"]) if group["ramp_epochs"] else 1.0
    return {name: weight * share for name, weight in group["loss"].items()}


class _Loop:
    """Everything that an epoch of a group's training needs."""

    def __init__(self, group: dict[str, Any], members: Sequence[GroupMember], images: ImageSet, run: Run) -> None:
        self.group, self.members, self.run = group, members, run
        # Crops at the largest size of a member, between 0 and 1: each member resizes and normalises them itself.
        first = group["members"][0]["transforms"] | {"mean": [0.0] * 3, "std": [1.0] * 3}
        largest = max(entry["image_size"] for entry in group["members"])
        seen = {"transforms": first, "image_size": largest, "seed": group["seed"], "batch_size": group["batch_size"]}
        self.loader = Loader(Transformed(images, seen), seen, run.workers)
        self.optimizers = [make_optimizer(m.network.model, m.entry["optimizer"]) for m in members]
        self.schedules: list[Scheduler] = [
            make_schedule(optimizer, member.entry["schedule"], group["epochs"], len(self.loader))
            for member, optimizer in zip(members, self.optimizers, strict=True)
        ]
        self.steps = GroupSteps(members, self.optimizers, run.scale, run.device)

    def parts(self) -> dict[str, Part]:
        """What the state of an unfinished training holds."""
        models: dict[str, Part] = {f"model {m.entry['id']}": m.network.model for m in self.members}
        optimizers = zip(self.members, self.optimizers, strict=True)
        return (
            models
            | {f"optimizer {member.entry['id']}": optimizer for member, optimizer in optimizers}
            | {"scaler": self.steps.scaler}
        )

    def epoch(self, epoch: int) -> dict[str, Any]:
        """One pass over the training images, then accuracies on the validation images, as a line of the history."""
        start = time.perf_counter()
        title = f"train group {self.group['id']} epoch {epoch + 1}/{self.group['epochs']}"
        values, accuracies = self._pass(epoch, title)
        logits = self._held_out_logits() if rank() == 0 else None
        line: dict[str, Any] = {"epoch": epoch + 1, **values, "training_accuracy": accuracies}
        if logits is not None:
            line |= self._accuracies(logits)
            log.info(
                "%s: loss %.3f, validation accuracy of the members %s %%, of the ensemble %.1f %%",
                title,
                values["loss"],
                ", ".join(f"{accuracy:.1f}" for accuracy in line["validation_accuracy"]),
                line["ensemble_accuracy"],
            )
        rates = [optimizer.param_groups[0]["lr"] for optimizer in self.optimizers]
        return line | {"learning_rate": rates, "seconds": time.perf_counter() - start}

    def _pass(self, epoch: int, title: str) -> tuple[dict[str, float], list[float]]:
        """All steps of an epoch: the means of the loss and its terms, and the members' accuracies in percent."""
        bar = progress(self.loader.epoch(epoch), title, "batch", total=len(self.loader))
        names: list[str] = []
        sums = torch.zeros(0, dtype=torch.float64)
        for member in self.members:
            member.network.model.train()
        for step, (images, labels) in enumerate(bar, start=epoch * len(self.loader)):
            for schedule in self.schedules:
                schedule.step_update(step)
            images, labels = (tensor.to(self.run.device, non_blocking=True) for tensor in (images, labels))
            said = self.steps.step(images, labels, ramp(self.group, step / len(self.loader)), step, self.loader.batch)
            require_finite(said.values["loss"], self.group, epoch, step)
            self.steps.finish()
            correct = (said.logits.argmax(2) == labels).sum(1).double().cpu()
            names = list(said.values)
            found = torch.tensor(list(said.values.values()), dtype=torch.float64) * len(labels)
            seen = torch.cat([found, correct, torch.tensor([len(labels)], dtype=torch.float64)])
            sums = seen if not len(sums) else sums + seen
            bar.set_postfix(loss=f"{sums[0] / sums[-1]:.3f}", refresh=False)
        *of_all, images_seen = total(sums.tolist(), self.run.device)
        means = [value / images_seen for value in of_all]
        return dict(zip(names, means, strict=False)), [100 * share for share in means[len(names) :]]

    def _held_out_logits(self) -> torch.Tensor:
        """Logits [M, N, C] on the validation images."""
        return torch.stack(
            [
                torch.cat(
                    list(logits_in_batches(m.network.model, m.entry, self.run.validation.images, self.run.device))
                )
                for m in self.members
            ]
        )

    def _accuracies(self, logits: torch.Tensor) -> dict[str, Any]:
        """Of the members and of the ensemble that averages probabilities, in percent."""
        labels = torch.from_numpy(np.array(self.run.validation.labels))
        right = (logits.argmax(2) == labels).double().mean(1)
        ensemble = logits.double().softmax(2).mean(0).argmax(1)
        return {
            "validation_accuracy": (100 * right).tolist(),
            "ensemble_accuracy": 100 * (ensemble == labels).double().mean().item(),
        }


def require_finite(loss: float, group: dict[str, Any], epoch: int, step: int) -> None:
    """Raise StudyError, naming the weights of the loss and the learning rates, if a loss is NaN or infinite."""
    if np.isfinite(loss):
        return
    weights = ", ".join(f"{name} {weight}" for name, weight in group["loss"].items())
    rates = ", ".join(str(rate) for rate in sorted({member["optimizer"]["lr"] for member in group["members"]}))
    advice = (
        f"lower the weights of groups/{group['id']}/loss, now {weights}, or let them grow over more ramp_epochs; or "
    )
    raise StudyError(
        f"the training of the group {group['id']} diverged in epoch {epoch + 1}, step {step + 1} (loss {loss}): "
        f"{advice if weights else ''}lower the members' optimizer/lr, now {rates}. The state of the last finished "
        "epoch is kept."
    )


def _write(
    group: dict[str, Any], members: Sequence[GroupMember], images: ImageSet, history: list[dict[str, Any]], run: Run
) -> None:
    folder = Path(run.outputs.weights)
    folder.mkdir(parents=True, exist_ok=True)
    for place, member in enumerate(members):
        weights = folder / f"{member.entry['id']}.safetensors"
        save_weights(member.network.model, weights)
        lines = [_line_of_member(line, place, len(members)) for line in history]
        recipe = run.recipe(member.entry)
        record = make_record(recipe, run.training.classes, len(images), lines, run.device, str(weights))
        save_json(weights.with_suffix(".json"), record)
    remark = collapse(history[-1]["validation_accuracy"], run.validation.labels)
    if remark:
        log.warning(
            "group %s: after the training, %s. Lower the weights of its loss, let them grow over more ramp_epochs, or "
            "change the members' optimizer/lr.",
            group["id"],
            remark,
        )
    at_once = run.scale["images_at_once"] or group["batch_size"]
    size = max(member.entry["image_size"] for member in members)
    some = images.rows(spread(len(images)))
    held_out = run.validation
    rows = spread(len(held_out.labels))
    trained_on = np.stack([centre(image, size, size) for image in some.images])
    record = {
        "group": group,
        "history": history,
        "seconds": sum(line["seconds"] for line in history),
        "collapse": remark,
        "penalties": {
            "training": penalties(members, trained_on, some.labels, run.device, at_once),
            "held_out": penalties(members, held_out.images[rows], held_out.labels[rows], run.device, at_once),
        },
    }
    save_json(run.outputs.record, record)
    Path(run.outputs.resume).unlink(missing_ok=True)


def _line_of_member(line: Mapping[str, Any], place: int, members: int) -> dict[str, Any]:
    """A line of the history of one member, with the keys of a member that is trained alone."""
    return {
        "epoch": line["epoch"],
        "loss": line["cross_entropy"],  # the mean of the members
        "learning_rate": line["learning_rate"][place],
        "training_accuracy": line["training_accuracy"][place],
        "validation_accuracy": line["validation_accuracy"][place],
        "seconds": line["seconds"] / members,
    }
