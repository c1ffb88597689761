"""Weights of networks as safetensors files."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import whole_file
from scripts.lib.networks.architectures import Network, build, to_device


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write the model's parameters and buffers as safetensors."""
    save_weights_of(model.state_dict(), path)


def save_weights_of(state: dict[str, torch.Tensor], path: str | Path) -> None:
    """Write tensors by name as safetensors."""
    with whole_file(path) as part:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, part)


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read tensors by name. Raises StudyError for a file that is missing or is not a safetensors file."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise StudyError(f"the weights {path} cannot be read as safetensors: {error}.") from None


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Read weights into `model`. Raises StudyError naming what does not fit."""
    state = model.state_dict()  # has torch's version numbers of the modules, which safetensors does not store
    try:
        loaded = load_file(path)
        if differing := sorted(state.keys() ^ loaded.keys()):
            raise RuntimeError(f"{len(differing)} names differ, the first is {differing[0]}")
        state.update(loaded)
        model.load_state_dict(state)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise StudyError(f"the weights {path} do not fit the member: {error}. Delete them and run again.") from None


def load_trained(record: dict[str, Any], weights: str | Path, device: torch.device) -> Network:
    """A trained member in evaluation mode, from its training record and its weights."""
    network = build(record["member"], len(record["classes"]))
    load_weights(network.model, weights)
    to_device(network.model, device).eval()
    return network
