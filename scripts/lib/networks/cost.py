"""What a network costs: parameters, operations, latency."""

import statistics
import time

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

TIMED_RUNS = 15


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: nn.Module, image_size: int) -> int:
    """Multiply-accumulate operations for one image, counted by torch (which counts two operations for each).

    Attention is computed with plain matrix products, because torch does not count its fused form on the CPU.
    """
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(1, 3, image_size, image_size))
    return counter.get_total_flops() // 2


def latency(model: nn.Module, image_size: int) -> float:
    """Milliseconds for one image on the CPU with the job's threads, the median of several runs after a warm-up."""
    image, seconds = torch.zeros(1, 3, image_size, image_size), []
    model.eval()
    with torch.inference_mode():
        for _ in range(TIMED_RUNS + 1):
            start = time.perf_counter()
            model(image)
            seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[1:])
