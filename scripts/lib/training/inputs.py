"""What every training is given, and what it writes."""

from dataclasses import dataclass, field
from typing import Any

import torch

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.datasets.validation_sets import ValidationSet

# The defaults of the study's section `training`.
PLAIN: dict[str, Any] = {"precision": "float32", "images_at_once": None, "compile": False, "gpus": 1}


@dataclass(frozen=True)
class TrainingOutputs:
    """Paths of what a training writes; `resume` has its state after the last finished epoch, until it is finished."""

    weights: str
    record: str
    resume: str


@dataclass(frozen=True)
class Run:
    """One run of a training.

    `validation` (the clean set) is only looked at for the learning curve: nothing is chosen by it. `workers` are the
    processes that load images, `scale` is the study's section `training`.
    """

    training: ImageSet
    validation: ValidationSet
    device: torch.device
    outputs: TrainingOutputs
    workers: int = 0
    scale: dict[str, Any] = field(default_factory=lambda: dict(PLAIN))
