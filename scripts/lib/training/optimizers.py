"""Optimizers and learning-rate schedules by the names and settings of a study."""

from typing import Any

import torch
from torch import nn

from scripts.lib.networks.vision import timm

Scheduler = timm.scheduler.scheduler.Scheduler

# Optimizers that torch can run in one pass over the weights. With small batches, they take a tenth of the time.
FUSED = {"SGD", "AdamW"}


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
    """timm's step or cosine schedule, counted in iterations, because "every 2.4 epochs" is not a whole number."""
    warmup = round(settings["warmup_epochs"] * iterations)
    common: dict[str, Any] = {"t_in_epochs": False, "warmup_t": warmup, "warmup_prefix": False}
    if settings["name"] == "cosine":
        return timm.scheduler.CosineLRScheduler(optimizer, t_initial=epochs * iterations, **common)
    steps = settings if settings["name"] == "step" else {"every_epochs": 1, "gamma": 1}  # a constant rate
    return timm.scheduler.StepLRScheduler(
        optimizer, decay_t=max(1, round(steps["every_epochs"] * iterations)), decay_rate=steps["gamma"], **common
    )
