"""What the Triton kernels become on a GPU of NVIDIA's Hopper generation (sm_90), without a GPU.

    python -m benchmarks.compiled_kernels

Each kernel is launched as `kernels` launches it, but the launch is only recorded, and then compiled by Triton and by
the ptxas that Triton ships. Of the machine code it is said how many registers a thread takes, whether numbers are moved
to memory because there are too few registers (spills), and which instructions there are. The rows are written to
results/compiled_sm90.csv. These are not measurements of speed.
"""

import argparse
import csv
import functools
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from kernels import gpu
from kernels.attribution_similarity_triton import cosines_triton
from kernels.consensus_sweep_triton import sweep_triton
from kernels.disagreement import _count_triton as count_differing
from kernels.joint_correctness import _count_triton as count_shared
from kernels.js_divergence import _sum_triton as sum_divergences

RESULTS = Path(__file__).parent / "results" / "compiled_sm90.csv"
HOPPER = 90
OPTIONS = ("num_warps", "num_stages")
SPILLS = ("STL", "LDL")  # stores to, and loads from, a thread's own memory
# Groups of machine instructions, by the start of their names.
GROUPS = {
    "tensor_core": ("HGMMA", "IGMMA", "HMMA", "IMMA"),
    "popc": ("POPC",),
    "lg2": ("MUFU.LG2",),
    "float64": ("DADD", "DSETP", "DFMA", "DMUL"),
    "shuffle": ("SHFL",),
    "barrier": ("BAR",),
}


@dataclass(frozen=True)
class Launch:
    """One launch of a Triton kernel, as the host's code asks for it."""

    kernel: Any
    arguments: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        module = self.kernel.fn.__module__.removeprefix("kernels.").removesuffix("_triton")
        return f"{module}.{self.kernel.fn.__name__}"


@dataclass(frozen=True)
class Compiled:
    """What one compiled kernel needs; counts are of instructions in the machine code, not of those executed."""

    seconds: float  # processor time of the compilation, with that of ptxas
    registers: int  # per thread
    stack: int  # bytes per thread
    shared: int  # bytes per program
    counts: Counter[str]
    widest_load: int  # bits that one thread loads from global memory by one instruction

    @property
    def spills(self) -> int:
        return self.count(*SPILLS)

    def count(self, *starts: str) -> int:
        """Instructions whose names start with one of these."""
        return sum(n for name, n in self.counts.items() if name.startswith(starts))


def recorded(host: Callable[[], object]) -> list[Launch]:
    """The launches that `host` asks for on CPU tensors; none of them runs, so what `host` returns means nothing."""
    launches: list[Launch] = []

    def record(kernel: Any, *arguments: Any, grid: Any, warmup: bool, **named: Any) -> None:
        assert not arguments, "launches name their arguments"
        launches.append(Launch(kernel, named))

    with mock.patch.object(gpu.triton.JITFunction, "run", record):
        host()
    return launches


# Small inputs that are compiled to the same code as large ones: what counts are dtypes, and whether a length is a
# multiple of 16. Padding of `joint_correctness` makes it one for any number of samples.
CASES: dict[str, Callable[[], object]] = {
    "disagreement, 1000 classes": lambda: count_differing(torch.zeros(64, 160, dtype=torch.int64), 10),
    "disagreement, 65536 classes": lambda: count_differing(torch.zeros(63, 161, dtype=torch.int64), 16),
    "joint_correctness": lambda: count_shared(torch.zeros(64, 160, dtype=torch.bool)),
    "joint_correctness, odd samples": lambda: count_shared(torch.zeros(63, 161, dtype=torch.bool)),
    "js_divergence, 1000 classes": lambda: sum_divergences(torch.zeros(16, 16, 1000)),
    "js_divergence, 10 classes, odd": lambda: sum_divergences(torch.zeros(5, 201, 10)),
    "attribution, M=32, float16": lambda: cosines_triton(torch.zeros(32, 2, 4096).half(), False),
    "attribution, M=128, float16": lambda: cosines_triton(torch.zeros(128, 2, 160).half(), False),
    "attribution, M=32, float32": lambda: cosines_triton(torch.zeros(32, 2, 4096), False),
    "attribution, M=128, float32": lambda: cosines_triton(torch.zeros(128, 2, 4096), False),
    "attribution, M=32, centred": lambda: cosines_triton(torch.zeros(32, 2, 4096).half(), True),
    "consensus_sweep, M=15": lambda: sweep_triton(torch.zeros(15, 2, 1000), LABELS, "all", False),
    "consensus_sweep, M=15, float64": lambda: sweep_triton(torch.zeros(15, 2, 1000).double(), LABELS, "all", False),
    "consensus_sweep, M=20": lambda: sweep_triton(torch.zeros(20, 2, 1000), LABELS, "all", False),
    "consensus_sweep, M=15, vote": lambda: sweep_triton(torch.zeros(15, 2, 1000), LABELS, "all", True),
    "consensus_sweep, listed": lambda: sweep_triton(torch.zeros(100, 2, 1000), LABELS, torch.ones(3, 100) > 0, False),
}
LABELS = torch.zeros(2, dtype=torch.int64)


def compile_launch(launch: Launch, capability: int = HOPPER) -> Compiled:
    """Compile for a GPU of this compute capability (90: Hopper); machine code is read with Triton's own tools."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    types, constants, attributes = {}, {}, {}
    for position, parameter in enumerate(launch.kernel.params):
        value = launch.arguments[parameter.name]
        types[parameter.name] = _type_of(value, parameter.is_constexpr)
        if types[parameter.name] == "constexpr":
            constants[(position,)] = value
        elif isinstance(value, torch.Tensor) or value % 16 == 0:  # torch allocates with more than this alignment
            attributes[(position,)] = [["tt.divisibility", 16]]
    source = ASTSource(launch.kernel, types, constants, attributes)
    options = {name: launch.arguments[name] for name in OPTIONS if name in launch.arguments}
    with tempfile.TemporaryDirectory() as folder, gpu.triton.knobs.cache.scope():
        gpu.triton.knobs.cache.dir = folder
        began = sum(os.times()[:4])
        binary = gpu.triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
        seconds = sum(os.times()[:4]) - began
    return _read(binary.asm["cubin"], seconds, binary.metadata.shared)


def _type_of(value: Any, constant: bool) -> str:
    """As `triton.jit` takes it: an integer that is 1 is a constant, too."""
    if isinstance(value, torch.Tensor):
        return gpu.triton.runtime.jit.mangle_type(value)
    if constant or value == 1:
        return "constexpr"
    return "i32" if value < 1 << 31 else "i64"


def _read(cubin: bytes, seconds: float, shared: int) -> Compiled:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        usage = _tool("cuobjdump", "-res-usage", file.name)
        names = re.findall(
            r"^\s*/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", _tool("cuobjdump", "-sass", file.name), re.M
        )
    registers, stack = (int(re.search(rf"\b{key}:(\d+)", usage).group(1)) for key in ("REG", "STACK"))  # type: ignore[union-attr]
    loads = [name for name in names if name.startswith(("LDG", "LDGSTS"))]
    widths = [int(found.group(1)) if (found := re.search(r"\.(64|128)\b", name)) else 32 for name in loads]
    return Compiled(seconds, registers, stack, shared, Counter(names), max(widths, default=0))


def _tool(name: str, *arguments: str) -> str:
    path = Path(gpu.triton.__file__).parent / "backends" / "nvidia" / "bin" / name
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=True).stdout


@functools.cache
def compiled_case(name: str, capability: int = HOPPER) -> dict[str, Compiled]:
    """Of one of CASES, by the names of its kernels."""
    return {launch.name: compile_launch(launch, capability) for launch in recorded(CASES[name])}


def rows(start: str) -> list[dict[str, object]]:
    return [
        {
            "case": case,
            "kernel": kernel,
            "compile_cpu_s": f"{code.seconds:.2f}",
            "registers": code.registers,
            "stack_bytes": code.stack,
            "shared_bytes": code.shared,
            "spills": code.spills,
            "widest_load_bits": code.widest_load,
            "instructions": sum(code.counts.values()),
            **{group: code.count(*starts) for group, starts in GROUPS.items()},
            "triton": gpu.triton.__version__,
        }
        for case in CASES
        if case.startswith(start)
        for kernel, code in compiled_case(case).items()
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--case", default="", help="print only cases whose names start so, and write no file")
    start = arguments.parse_args().case
    table = rows(start)
    if not start:
        _write(table)
    for row in table:
        print(*(f"{key}={value}" for key, value in row.items()))
    print(f"processor time of all: {sum(float(str(row['compile_cpu_s'])) for row in table):.1f} s")


def _write(table: list[dict[str, object]]) -> None:
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
