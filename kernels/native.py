"""CPU kernels: functions that numba compiles when they are first called, on as many threads as torch uses.

Threads of Python rather than numba's own: the compiled code holds no GIL, `torch.get_num_threads()` is obeyed without a
second setting, and a process may fork or be forked.
"""

import functools
import importlib.util
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")

# Without numba every kernel runs in plain torch: equal results, slower.
AVAILABLE = importlib.util.find_spec("numba") is not None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call, so that `import kernels` does not import numba, and keep the machine code on disk."""

    @functools.cache
    def machine_code() -> Callable[..., Any]:
        import numba

        names = function.__globals__
        for name in function.__code__.co_names:  # numba resolves a callee only if it is compiled, not if it is lazy
            if hasattr(names.get(name), "machine_code"):
                names[name] = names[name].machine_code()
        code: Callable[..., Any] = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
        return code

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return machine_code()(*arguments)

    call.machine_code = machine_code  # type: ignore[attr-defined]
    return call


def parallel(function: Callable[..., Result], pieces: Iterable[tuple[Any, ...]]) -> list[Result]:
    """`function(*piece)` for every piece, results in the order of the pieces."""
    threads = torch.get_num_threads()
    if threads == 1:
        return [function(*piece) for piece in pieces]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda piece: function(*piece), pieces))


def interleaved(rows: int) -> list[tuple[int, int]]:
    """(first, step) of as many sets of rows as there are threads: each gets long and short rows of a triangle alike."""
    step = min(rows, torch.get_num_threads())
    return [(first, step) for first in range(step)]
