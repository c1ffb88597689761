"""What the benchmarks share: peers that give equal results are timed in turns in one process; rows are kept as CSV."""

import argparse
import csv
import os
import platform
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from kernels import cpu

RESULTS = Path(__file__).parent / "results"
Work = Callable[[], object]

COPIED_BYTES, SQUARE = 1 << 28, 2048
CEILINGS = {"ceiling: copy of 256 MB": 2 * COPIED_BYTES, "ceiling: 2048³ float32 product": 2 * SQUARE**3}


def options(description: str | None, **sizes: Sequence[int]) -> argparse.Namespace:
    """One option per size, each a list: the sizes of one benchmark point have the same position."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, values in sizes.items():
        parser.add_argument(f"--{name}", type=int, nargs="+", default=list(values))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--slowest", type=float, default=20, help="seconds after which a peer is not repeated")
    arguments = parser.parse_args()
    if len({len(getattr(arguments, name)) for name in sizes}) > 1:
        parser.error(f"--{', --'.join(sizes)} need equally many values")
    return arguments


def points(arguments: argparse.Namespace, *names: str) -> list[tuple[int, ...]]:
    """The sizes of every benchmark point."""
    return list(zip(*(getattr(arguments, name) for name in names), strict=True))


def compiled(function: Callable[..., object]) -> Callable[..., object] | None:
    """`torch.compile` of a peer, or None where there is no C++ compiler for the CPU's code."""
    if torch.cuda.is_available() or shutil.which("g++") or shutil.which("clang++"):
        return torch.compile(function, dynamic=False)
    print("torch.compile is left out: it needs a C++ compiler (g++ or clang++)", file=sys.stderr)
    return None


def compare(
    kernel: str,
    sizes: dict[str, int],
    peers: dict[str, Work],
    arguments: argparse.Namespace,
    operations: float,
    scale: dict[str, float] | None = None,
) -> None:
    """Time the peers in turns, so that a disturbance hits all of them, and append medians and spreads to the CSV.

    `operations` is what the task takes in its plainest form, the same for all: the rate is operations / median.
    `scale` multiplies the time of a peer that ran on a part of the work; its row says so.
    """
    scale = scale or {}
    peers = peers | ceilings(arguments.device)
    for name, work in peers.items():
        if name.startswith("torch.compile"):  # it compiles at the first call
            work()
    times: dict[str, list[float]] = {name: [] for name in peers}
    for repeat in range(arguments.repeats + 1):
        for name, work in peers.items():
            if times[name] and times[name][0] > arguments.slowest:
                continue
            began = time.perf_counter()
            work()
            if arguments.device == "cuda":
                torch.cuda.synchronize()
            spent = (time.perf_counter() - began) * scale.get(name, 1)
            if repeat > 0 or spent > arguments.slowest:  # the first is a warm-up, unless it took long enough
                times[name].append(spent)
    ours = statistics.median(times["ours"])
    for name, values in times.items():
        median = statistics.median(values)
        row = {
            **sizes,
            "implementation": name,
            "median_s": f"{median:.6g}",
            "fastest_s": f"{min(values):.6g}",
            "slowest_s": f"{max(values):.6g}",
            "times_ours": f"{median / ours:.3g}",
            "giga_per_s": f"{CEILINGS.get(name, operations) / median / 1e9:.4g}",
            "repeats": len(values),
            "extrapolated_by": f"{scale.get(name, 1):.6g}",
            "peak_memory_gib": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}",
            **_environment(arguments.device),
        }
        _append(RESULTS / f"{kernel}.csv", row)
        print(*(f"{key}={value}" for key, value in list(row.items())[: len(sizes) + 6]), flush=True)


def at_any_size(work: Work) -> Work:
    """Compiled code for small work too, which is otherwise left to torch because loading numba takes a second."""

    def run() -> None:
        least, cpu.LEAST_OPERATIONS = cpu.LEAST_OPERATIONS, 0
        work()
        cpu.LEAST_OPERATIONS = least

    return run


def ceilings(device: str) -> dict[str, Work]:
    """A copy of 256 MB (bytes read and written) and a float32 matrix product: what the device does at the moment."""
    source = torch.rand(COPIED_BYTES // 4, device=device)
    square = torch.rand(SQUARE, SQUARE, device=device)
    target, product = torch.empty_like(source), torch.empty_like(square)
    copy, multiply = CEILINGS
    return {copy: lambda: target.copy_(source), multiply: lambda: torch.mm(square, square, out=product)}


def _environment(device: str) -> dict[str, str | int]:
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "threads": torch.get_num_threads(),
        "load_before": f"{os.getloadavg()[0]:.1f}",
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def processor() -> str:
    with open("/proc/cpuinfo") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def _append(path: Path, row: dict[str, object]) -> None:
    new = not path.exists()
    path.parent.mkdir(exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
