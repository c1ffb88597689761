"""Weights as files: the same network comes back, and what does not fit is named."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.weights import load_trained, load_weights, save_weights
from tests.unit.conftest import SMALL_MNASNET, SMALL_RESNEXT, small_member

# Weights in files.


@pytest.mark.parametrize("architecture", [SMALL_RESNEXT, SMALL_MNASNET])
def test_saved_weights_give_the_same_logits(architecture: dict[str, Any], tmp_path: Path) -> None:
    member = small_member(architecture=architecture)
    model = to_device(build(member, 3).model, torch.device("cpu"))
    images = torch.rand(4, 3, 32, 32)
    model(images)  # moves the running statistics away from their start
    save_weights(model, tmp_path / "a.safetensors")
    record = {"member": member, "classes": ["a", "b", "c"]}
    loaded = load_trained(record, tmp_path / "a.safetensors", torch.device("cpu"))
    assert not loaded.model.training
    with torch.inference_mode():
        assert torch.equal(loaded.model(images), model.eval()(images))


@pytest.fixture
def stored(tmp_path: Path) -> tuple[nn.Module, Path]:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    save_weights(model, tmp_path / "a.safetensors")
    return model, tmp_path / "a.safetensors"


def test_a_missing_tensor_is_named(stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    save_file({name: tensor for name, tensor in load_file(path).items() if name != "0.bias"}, path)
    with pytest.raises(StudyError, match=rf"the weights {path} do not fit .* 1 names differ, the first is 0\.bias"):
        load_weights(model, path)


def test_a_tensor_too_many_is_named(stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    save_file(load_file(path) | {"extra": torch.zeros(1)}, path)
    with pytest.raises(StudyError, match="the first is extra"):
        load_weights(model, path)


def test_a_tensor_of_another_shape_is_named(stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    save_file(load_file(path) | {"0.weight": torch.zeros(4, 2)}, path)
    with pytest.raises(StudyError, match=r"size mismatch for 0\.weight"):
        load_weights(model, path)


@pytest.mark.parametrize("damage", ["missing", "truncated", "foreign"])
def test_weights_that_cannot_be_read_are_named(damage: str, stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    content = {"missing": None, "truncated": path.read_bytes()[:-8], "foreign": b"no weights"}[damage]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=f"the weights {path}"):
        load_weights(model, path)
