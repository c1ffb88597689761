"""Triton: whether it is installed, which tensors its kernels take, and names for the types of kernel parameters.

Triton is optional. Without it the kernels are still defined, as plain functions that are never called.
"""

import contextlib
from types import SimpleNamespace
from typing import Any, TypeAlias

import torch

try:
    import triton
    import triton.language as tl

    AVAILABLE = True
    INTERPRETED = bool(triton.knobs.runtime.interpret)  # instructions of the GPU's own do not exist there
except (ImportError, AttributeError):  # an older Triton has no knobs
    triton = SimpleNamespace(jit=lambda function: function)
    tl = SimpleNamespace(constexpr=None, tensor=None)
    AVAILABLE = INTERPRETED = False

__all__ = ["AVAILABLE", "INTERPRETED", "Integer", "Pointer", "cdiv", "on", "power_of_2", "tl", "triton", "usable"]

# Types of kernel parameters, for the reader only: Triton takes them from the arguments of the launch.
Pointer: TypeAlias = Any  # the launch passes a contiguous tensor, the kernel sees the address of its first element
Integer: TypeAlias = Any  # an int that may differ between launches; those fixed at compilation are tl.constexpr


def usable(tensor: torch.Tensor) -> bool:
    """Whether Triton kernels can take this tensor."""
    return AVAILABLE and tensor.device.type == "cuda"


def on(tensor: torch.Tensor) -> contextlib.AbstractContextManager[Any]:
    """Launches within this context go to the tensor's device instead of the current one."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()


def cdiv(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)


def power_of_2(n: int) -> int:
    """The smallest power of two that is at least n."""
    return 1 << (n - 1).bit_length()
