"""The device that a job computes on."""

import torch

from scripts.lib.jobs.errors import StudyError


def choose_device(setting: str, threads: int) -> torch.device:
    """The device for "auto", "cpu" or "cuda"; sets the number of CPU threads.

    Raises StudyError for "cuda" if no CUDA device is available.
    """
    torch.set_num_threads(threads)
    available = torch.cuda.is_available()
    if setting == "cuda" and not available:
        raise StudyError("device: cuda is set, but torch finds no CUDA device; use auto or cpu.")
    if not available or setting == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def device_name(device: torch.device) -> str:
    """The device as a person would name it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
