"""Where triton is, and whether a tensor is for its kernels. Without triton every kernel has another way."""

import contextlib
from types import SimpleNamespace
from typing import Any

import torch

try:
    import triton
    import triton.language as tl

    AVAILABLE = True
except ImportError:
    # The kernels are still defined, as plain functions that nobody calls.
    triton = SimpleNamespace(jit=lambda function: function)
    tl = SimpleNamespace(constexpr=None, tensor=None)
    AVAILABLE = False

__all__ = ["AVAILABLE", "cdiv", "on", "power_of_2", "tl", "triton", "usable"]


def usable(tensor: torch.Tensor) -> bool:
    return AVAILABLE and tensor.device.type == "cuda"


def on(tensor: torch.Tensor) -> contextlib.AbstractContextManager[Any]:
    """Launches go to the tensor's device, not to the current one."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()


def cdiv(a: int, b: int) -> int:
    return -(-a // b)


def power_of_2(n: int) -> int:
    """The smallest power of two that is not below n."""
    return 1 << (n - 1).bit_length()
