"""Optimizer steps of several members on one loss: mixed precision, accumulated gradients, several GPUs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed, nn

from scripts.lib.jobs.randomness import derive
from scripts.lib.training.distributed import rank, world
from scripts.lib.training.group_outputs import GroupMember, speak
from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs
from scripts.lib.training.parts import number_of_parts
from scripts.lib.training.steps import PRECISIONS

CROSS_ENTROPY = "cross_entropy"


@dataclass(frozen=True)
class Said:
    """What a step found on this process's share of a batch of b images.

    `logits` [M, b, C]; `values`: the whole loss (`loss`), the members' mean cross-entropy and each term, all means.
    """

    logits: torch.Tensor
    values: dict[str, float]


class GroupSteps:
    """Steps of one optimizer for each member, as set in the study's section `training` (`scale`)."""

    def __init__(
        self,
        members: Sequence[GroupMember],
        optimizers: Sequence[torch.optim.Optimizer],
        scale: Mapping[str, Any],
        device: torch.device,
    ) -> None:
        self.members, self.optimizers, self.images_at_once = members, optimizers, scale["images_at_once"]
        dtype = PRECISIONS[scale["precision"]]
        self.mixed = torch.autocast(device.type, dtype, enabled=dtype != torch.float32)
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)

    def step(
        self, images: torch.Tensor, labels: torch.Tensor, loss: Mapping[str, float], step: int, batch: int
    ) -> Said:
        """The gradients of one step on this process's share of a batch of `batch` images; `loss` has the weights.

        Terms that compare images, such as CKA, are computed for each part of an accumulated batch and for each
        process's share.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        parts = number_of_parts(len(labels), self.images_at_once)
        logits, sums, start = [], dict.fromkeys(("loss", CROSS_ENTROPY, *loss), 0.0), 0
        for some, answers in zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True):
            with self.mixed:
                outputs = self._outputs(some, answers, loss, (step, start))
            values = objective(outputs, loss)
            # Times the members, so that the gradient of each member's own cross-entropy is the one that it has alone.
            share = len(self.members) * len(answers) / batch
            self.scaler.scale(values["loss"] * share).backward()
            logits.append(outputs.logits.detach())
            for name, value in values.items():
                sums[name] += value.item() * len(answers)
            start += len(answers)
        return Said(torch.cat(logits, 1), {name: value / len(labels) for name, value in sums.items()})

    def finish(self) -> None:
        """Update the weights of all members with the gradients, added up over all processes."""
        for optimizer in self.optimizers:
            if world() > 1:
                add_up(optimizer)
            self.scaler.step(optimizer)
        self.scaler.update()

    def _outputs(
        self, images: torch.Tensor, labels: torch.Tensor, loss: Mapping[str, float], place: tuple[int, int]
    ) -> Outputs:
        axes = {LOSS_TERMS[name].axis for name in loss}
        streams = [derive(member.entry["seed"], "dropout", *place, rank()) for member in self.members]
        return speak(self.members, images, labels, axes, streams)


def objective(outputs: Outputs, loss: Mapping[str, float]) -> dict[str, torch.Tensor]:
    """The loss of a group ("loss"), the mean cross-entropy of its members, and each term of `loss` by its name."""
    of_members = [nn.functional.cross_entropy(logits, outputs.labels) for logits in outputs.logits]
    terms = {name: LOSS_TERMS[name].value(outputs) for name in loss}
    cross_entropy = torch.stack(of_members).mean()
    whole = cross_entropy + sum(weight * terms[name] for name, weight in loss.items())
    return {"loss": whole, CROSS_ENTROPY: cross_entropy} | terms


def add_up(optimizer: torch.optim.Optimizer) -> None:
    """The sums of the gradients over all processes, in one exchange.

    torch's DistributedDataParallel does not support gradients with respect to the input, which a loss may need.
    """
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    for gradient, summed in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))
