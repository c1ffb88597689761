"""Optimizer steps at any scale: mixed precision, accumulated gradients, compiled models, several GPUs."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.training.distributed import parallel, world
from scripts.lib.training.parts import number_of_parts

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Steps:
    """Steps of one optimizer on one model, as set in the study's section `training` (`scale`).

    With the section's defaults, the results are bit for bit those of an ordinary step.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, scale: dict[str, Any], device: torch.device
    ) -> None:
        self.optimizer, self.device, self.images_at_once = optimizer, device, scale["images_at_once"]
        dtype = PRECISIONS[scale["precision"]]
        self.mixed = torch.autocast(device.type, dtype, enabled=dtype != torch.float32)
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
        self.model = parallel(torch.compile(model) if scale["compile"] else model, device)  # type: ignore[arg-type]

    def classify(self, images: torch.Tensor, labels: torch.Tensor, batch: int) -> tuple[torch.Tensor, float]:
        """One step on this process's share of a batch of `batch` images; its logits [B, C] and its mean loss."""
        self.optimizer.zero_grad()
        count = number_of_parts(len(labels), self.images_at_once)
        parts = zip(images.tensor_split(count), labels.tensor_split(count), strict=True)
        logits, losses = [], 0.0
        for number, (some, answers) in enumerate(parts, start=1):
            with self._summing(last=number == count), self.mixed:
                outputs = self.model(some)
                loss = nn.functional.cross_entropy(outputs, answers)
            # Processes are averaged, so that the gradients are those of the mean over the whole batch.
            self.scaler.scale(loss * (len(outputs) * world() / batch)).backward()
            logits.append(outputs.detach())
            losses += loss.item() * len(outputs)
        return torch.cat(logits), losses / len(labels)

    def finish(self) -> None:
        """Update the weights with the gradients."""
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _summing(self, last: bool) -> Any:
        """Only the last part of an accumulated batch exchanges gradients with the other processes."""
        return nullcontext() if last or world() == 1 else self.model.no_sync()  # type: ignore[operator]


@contextmanager
def memory_advice(where: str, batch_size: int, scale: dict[str, Any], divided: bool = True) -> Iterator[None]:
    """Convert "out of memory" into a StudyError that says which setting to lower.

    `divided`: whether this kind of training computes batches in parts, as `images_at_once` says.
    """
    try:
        yield
    except RuntimeError as error:
        if "memory" not in str(error).lower():
            raise
        advice = f"lower {where}/batch_size (now {batch_size})"
        if divided:
            now = scale["images_at_once"] or batch_size
            advice = f"lower training/images_at_once (now {now} images), which keeps the batch size"
        if scale["precision"] == "float32":
            advice += ", or use a precision of 16 bits (training/precision, unless the member has its own)"
        raise StudyError(f"{where} does not fit into the memory of its device: {advice}.") from None
