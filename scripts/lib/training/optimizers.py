"""Optimizers and learning-rate schedules by the names and settings of a study."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

# Optimizers that torch can run in one pass over the weights. With small batches, they take a tenth of the time.
FUSED = {"SGD", "AdamW"}


def make_optimizer(model: nn.Module, settings: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimizer of `torch.optim` that the study names, with its parameters."""
    parameters = {key: value for key, value in settings.items() if key != "name"}
    if settings["name"] in FUSED:
        parameters["fused"] = True
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return getattr(torch.optim, settings["name"])(trained, **parameters)


class Schedule:
    """Sets learning rates, which depend only on the number of the iteration.

    `factor` is a function of this number. The rate is the optimizer's times this factor; during the first `warmup`
    iterations it rises linearly from 0 to the optimizer's.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, factor: Callable[[int], float], warmup: int) -> None:
        self.optimizer, self.factor, self.warmup = optimizer, factor, warmup
        self.rates = [group["lr"] for group in optimizer.param_groups]

    def set_rates(self, iteration: int) -> None:
        """Set the learning rates of an iteration, counted from 0."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            warm = iteration >= self.warmup
            group["lr"] = rate * self.factor(iteration) if warm else iteration * (rate / self.warmup)


def make_schedule(optimizer: torch.optim.Optimizer, settings: dict[str, Any], epochs: int, iterations: int) -> Schedule:
    """A step, cosine or constant schedule, in iterations, because "every 2.4 epochs" is not a whole number."""
    warmup = round(settings["warmup_epochs"] * iterations)
    if settings["name"] == "cosine":
        whole = epochs * iterations
        return Schedule(optimizer, lambda iteration: 0.5 * (1 + math.cos(math.pi * iteration / whole)), warmup)
    if settings["name"] == "step":
        every, gamma = max(1, round(settings["every_epochs"] * iterations)), settings["gamma"]
        return Schedule(optimizer, lambda iteration: gamma ** (iteration // every), warmup)
    return Schedule(optimizer, lambda iteration: 1.0, warmup)
