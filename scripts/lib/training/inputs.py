"""The inputs and outputs of every training."""

from dataclasses import dataclass, field
from typing import Any

import torch

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.datasets.validation_sets import ValidationSet

# A key of what the state of an unfinished training belongs to.
DIGEST_OF_IMAGES = "digest of the training images"
# The defaults of the study's section `training`.
PLAIN: dict[str, Any] = {"precision": "float32", "images_at_once": None, "compile": False, "gpus": 1}


@dataclass(frozen=True)
class TrainingOutputs:
    """Paths that a training writes; `resume` has its state after the last finished epoch while it is running."""

    weights: str
    record: str
    resume: str


@dataclass(frozen=True)
class Run:
    """One run of a training.

    `validation` (the clean set) is used only for the learning curve: no decision depends on it. `workers` is the number
    of processes that load images, `scale` is the study's section `training`, `digest` that of the record of the checked
    training images.
    """

    training: ImageSet
    validation: ValidationSet
    device: torch.device
    outputs: TrainingOutputs
    workers: int = 0
    scale: dict[str, Any] = field(default_factory=lambda: dict(PLAIN))
    digest: str = ""

    def recipe(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The entry of a member, backbone or group, with the precision that this training has."""
        return settings | {"precision": self.scale["precision"]}

    def identity(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the state of an unfinished training belongs to: it continues only with the same recipe and images."""
        return self.recipe(settings) | {DIGEST_OF_IMAGES: self.digest}
