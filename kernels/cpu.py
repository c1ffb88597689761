"""numba: functions that are compiled for the CPU at their first call and run on as many threads as torch uses.

The threads are Python's rather than numba's: compiled code does not hold the GIL, `torch.get_num_threads()` is obeyed
without a second setting, and a process may fork or be forked. numba is optional.
"""

import functools
import hashlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray

Result = TypeVar("Result")

_first_call = threading.RLock()

# Without numba every kernel runs in plain torch: the same results, more slowly.
AVAILABLE = importlib.util.find_spec("numba") is not None

# About one second of work for torch. Loading numba takes a second, and several where it must compile: smaller tasks are
# left to torch.
LEAST_OPERATIONS = 1 << 28


_similar_calls = ContextVar("similar_calls", default=1)


@contextmanager
def similar_calls(count: int) -> Iterator[None]:
    """Calls inside are parts of one task, `count` of them: loading compiled code can be worthwhile for all together."""
    token = _similar_calls.set(max(1, count))
    try:
        yield
    finally:
        _similar_calls.reset(token)


def worthwhile(tensor: torch.Tensor, operations: int) -> bool:
    """Whether compiled code is worthwhile for a call that takes torch this many elementwise `operations`."""
    return AVAILABLE and tensor.device.type == "cpu" and operations * _similar_calls.get() >= LEAST_OPERATIONS


def compiled(function: Callable[..., Any], reassociate: bool = False) -> Callable[..., Any]:
    """Compile `function` at its first call, so that `import kernels` does not import numba; machine code stays on disk.

    `reassociate` lets the compiler change the order of floating-point sums, without which it cannot use vector units.
    """

    @functools.cache
    def machine_code() -> Callable[..., Any]:
        import numba

        settings: Any = numba.config
        settings.CACHE_DIR = machine_code_folder(settings.CACHE_DIR)
        kept = bool(settings.CACHE_DIR)
        names = function.__globals__
        for name in function.__code__.co_names:  # numba can call only functions that are already compiled
            if hasattr(names.get(name), "machine_code"):
                names[name] = names[name].machine_code()
        fast = {"reassoc", "contract", "nsz"} if reassociate else set()
        code: Callable[..., Any] = numba.njit(nogil=True, cache=kept, error_model="numpy", fastmath=fast)(function)
        return code

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with _first_call:
            code = machine_code()
        return code(*arguments)

    call.machine_code = machine_code  # type: ignore[attr-defined]
    return call


@functools.cache
def machine_code_folder(folder: str, sources: Path = Path(__file__).parent) -> str:
    """Where machine code stays on disk: below `folder`, or if it is empty, beside the `sources` or in the user's cache.

    The user's cache, below `$XDG_CACHE_HOME` or `~/.cache`, is used where the folder of the sources cannot be written,
    as in an installation for all users. If neither can be written, the result is empty, and nothing is kept on disk.

    There is a folder for each state of the sources, because numba compiles a function again only if its own file has
    changed, and would go on using old code of functions that it calls in other files.
    """
    content = b"".join(path.read_bytes() for path in sorted(sources.glob("*.py")))
    name = f"kernels-{hashlib.sha256(content).hexdigest()[:16]}"
    if folder:
        return folder if Path(folder).name == name else str(Path(folder, name))
    places = (sources / "__pycache__" / name, _user_cache() / "ensemble-diversity-kernels" / name)
    return next((str(place) for place in places if _can_be_written(place)), "")


def _user_cache() -> Path:
    """The folder for files that can be made again. Its standard ignores a relative `$XDG_CACHE_HOME`."""
    stated = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return stated if stated.is_absolute() else Path(os.path.expanduser("~"), ".cache")


def _can_be_written(folder: Path) -> bool:
    """Whether files can be written into a folder, which is made if it does not exist."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


compiled_reassociating = functools.partial(compiled, reassociate=True)


def parallel(function: Callable[..., Result], pieces: Iterable[tuple[Any, ...]]) -> list[Result]:
    """`function(*piece)` for every piece, on torch's number of threads; results in the order of the pieces."""
    threads = torch.get_num_threads()
    if threads == 1:
        return [function(*piece) for piece in pieces]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda piece: function(*piece), pieces))


def interleaved(rows: int) -> list[tuple[int, int]]:
    """(first, step) for each thread: every step-th row, so that each gets long and short rows of a triangle."""
    step = min(rows, torch.get_num_threads())
    return [(first, step) for first in range(step)]


def ranges(samples: int, multiple: int = 1) -> list[tuple[int, int]]:
    """(start, stop) of four pieces per thread, so that no thread waits long for the last; each start is a multiple."""
    pieces = 4 * torch.get_num_threads()
    step = multiple * -(-samples // (multiple * pieces))
    return [(start, min(samples, start + step)) for start in range(0, samples, step)]


def readable(tensor: torch.Tensor, start: int, stop: int, step: int) -> Iterator[tuple[NDArray[Any], int, int, int]]:
    """Samples [start, stop) of [members, samples, ...] as contiguous float32 or float64 arrays.

    Yields (array, first, last, offset): sample i of the array, first <= i < last, is sample i + offset of the tensor.
    A tensor that is contiguous and of that dtype is not copied; of any other, `step` samples are copied at a time.
    """
    dtype = torch.float64 if tensor.dtype is torch.float64 else torch.float32
    if tensor.is_contiguous() and tensor.dtype is dtype:
        yield tensor.numpy(), start, stop, 0
        return
    for first in range(start, stop, step):
        last = min(stop, first + step)
        yield tensor[:, first:last].to(dtype).contiguous().numpy(), 0, last - first, first
