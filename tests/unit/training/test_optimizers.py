"""Learning rates and optimizers are those of the study."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from scripts.lib.training.optimizers import make_optimizer, make_schedule
from tests.unit.conftest import (
    small_member,
)

# Schedules.


def rates(settings: dict[str, Any], epochs: int, iterations: int, lr: float = 1.0) -> list[float]:
    """The learning rate of every iteration of a training."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = make_schedule(optimizer, {"warmup_epochs": 0} | settings, epochs, iterations)
    found = []
    for step in range(epochs * iterations):
        schedule.step_update(step)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_a_step_of_2_4_epochs_falls_within_an_epoch() -> None:
    found = rates({"name": "step", "gamma": 0.97, "every_epochs": 2.4}, epochs=10, iterations=10, lr=0.256)
    expected = [0.256 * 0.97 ** (iteration // 24) for iteration in range(100)]
    assert found == pytest.approx(expected)
    assert found[23] > found[24]


def test_the_paper_s_steps_are_every_thirty_epochs() -> None:
    found = rates({"name": "step", "gamma": 0.1, "every_epochs": 30}, epochs=100, iterations=3, lr=0.1)
    assert found[89] == pytest.approx(0.1)
    assert found[90] == pytest.approx(0.01)
    assert found[-1] == pytest.approx(0.0001)


def test_a_step_shorter_than_an_iteration_is_one_iteration() -> None:
    found = rates({"name": "step", "gamma": 0.5, "every_epochs": 0.01}, epochs=1, iterations=4)
    assert found == pytest.approx([1, 0.5, 0.25, 0.125])


def test_a_cosine_falls_to_zero_at_the_end() -> None:
    found = rates({"name": "cosine"}, epochs=4, iterations=5, lr=0.5)
    assert found == pytest.approx([0.25 * (1 + math.cos(math.pi * iteration / 20)) for iteration in range(20)])


@pytest.mark.parametrize("settings", [{"name": "cosine"}, {"name": "step", "gamma": 0.1, "every_epochs": 1}])
def test_a_warmup_rises_linearly_and_the_schedule_goes_on(settings: dict[str, Any]) -> None:
    plain = rates(settings, epochs=3, iterations=8)
    warm = rates(settings | {"warmup_epochs": 0.5}, epochs=3, iterations=8)
    assert warm[:4] == pytest.approx([0, 0.25, 0.5, 0.75])
    assert warm[4:] == pytest.approx(plain[4:])


# Optimizers and transforms.


def test_an_optimizer_has_the_parameters_of_the_study() -> None:
    settings = {"name": "RMSprop", "lr": 0.256, "alpha": 0.9, "momentum": 0.9, "weight_decay": 0, "eps": 1e-8}
    optimizer = make_optimizer(nn.Linear(1, 1), settings)
    assert type(optimizer) is torch.optim.RMSprop
    assert optimizer.defaults.items() >= {key: settings[key] for key in settings if key != "name"}.items()


def test_one_step_of_rmsprop_uses_alpha_as_smoothing_constant() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    settings = {"name": "RMSprop", "lr": 0.1, "alpha": 0.9, "momentum": 0.0, "weight_decay": 0, "eps": 1e-8}
    optimizer = make_optimizer(model, settings)
    model(torch.full((1, 1), 3.0)).sum().backward()
    optimizer.step()
    assert model.weight.item() == pytest.approx(1 - 0.1 * 3 / math.sqrt(0.1 * 9), rel=1e-5)


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_every_parameter_is_given_to_the_optimizer(name: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = make_optimizer(
        model, small_member(optimizer={"name": name, "lr": 0.3, "weight_decay": 0.05})["optimizer"]
    )
    [group] = optimizer.param_groups
    assert len(group["params"]) == 4
    assert (group["lr"], group["weight_decay"]) == (0.3, 0.05)
