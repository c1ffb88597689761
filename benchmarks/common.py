"""What the benchmarks share: peers verified equal, timed in turns in one process, and kept as CSV."""

import argparse
import csv
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

RESULTS = Path(__file__).parent / "results"
Work = Callable[[], object]


def options(description: str | None, **sizes: Sequence[int]) -> argparse.Namespace:
    """One option a size, each a list: the sizes of one benchmark point lie at the same position."""
    parser = argparse.ArgumentParser(description=description)
    for name, values in sizes.items():
        parser.add_argument(f"--{name}", type=int, nargs="+", default=list(values))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="torch.compile as a peer: minutes of compilation")
    return parser.parse_args()


def compare(
    kernel: str, sizes: dict[str, int], peers: dict[str, Work], arguments: argparse.Namespace, scale: dict[str, float]
) -> None:
    """Time the peers in turns, so that a disturbance hits all of them, and append medians and spreads to the CSV.

    `scale` multiplies the time of a peer that ran on a part of the work: its row says so.
    """
    times: dict[str, list[float]] = {name: [] for name in peers}
    for repeat in range(arguments.repeats + 1):
        for name, work in peers.items():
            if repeat > 0 and scale.get(name, 1) > 1 and len(times[name]) >= 2:
                continue
            began = time.perf_counter()
            work()
            if arguments.device == "cuda":
                torch.cuda.synchronize()
            if repeat > 0:  # the first is a warm-up
                times[name].append((time.perf_counter() - began) * scale.get(name, 1))
    ours = statistics.median(times["ours"])
    for name, values in times.items():
        row = {
            **sizes,
            "implementation": name,
            "median_s": f"{statistics.median(values):.6g}",
            "fastest_s": f"{min(values):.6g}",
            "slowest_s": f"{max(values):.6g}",
            "times_ours": f"{statistics.median(values) / ours:.3g}",
            "repeats": len(values),
            "extrapolated_by": f"{scale.get(name, 1):.6g}",
            **_environment(arguments.device),
        }
        _append(RESULTS / f"{kernel}.csv", row)
        print(*(f"{key}={value}" for key, value in list(row.items())[: len(sizes) + 6]), flush=True)


def ceilings(device: str) -> dict[str, Work]:
    """A copy of 256 MB and a float32 matrix product of 2 × 2048³ operations: what the device can do at the moment."""
    source, square = torch.rand(1 << 26, device=device), torch.rand(2048, 2048, device=device)
    target, product = torch.empty_like(source), torch.empty_like(square)
    return {
        "ceiling: copy of 256 MB": lambda: target.copy_(source),
        "ceiling: 2048³ float32 product": lambda: torch.mm(square, square, out=product),
    }


def _environment(device: str) -> dict[str, str | int]:
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "load_before": f"{os.getloadavg()[0]:.1f}",
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def _processor() -> str:
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
