"""Triton kernels as machine code, without a GPU: what is launched compiles, and Hopper's code is as designed.

Each case of `benchmarks.compiled_kernels` is compiled once per generation of GPUs.
"""

import re
from pathlib import Path

import pytest

import kernels
from kernels import gpu

if not gpu.AVAILABLE:
    pytest.skip("triton is not installed; the package then runs in torch", allow_module_level=True)

from benchmarks.compiled_kernels import CASES, compiled_case

# Instructions that must be in the code for Hopper: without them a kernel is correct and many times slower.
NEEDED = {
    "disagreement._count_kernel": ("POPC", "LDG.E.128"),
    "joint_correctness._count_kernel": ("IGMMA", "LDGSTS.E.BYPASS.128"),
    "js_divergence._sum_kernel": ("MUFU.LG2",),
    "attribution_similarity._gram_kernel": ("HGMMA|HMMA",),  # HMMA for up to 32 members, whose tiles are small
    "consensus_sweep._sweep_all_kernel": ("DADD",),
}
# Instructions per competitor, in the loop over them, and a kernel's threads: what the predictions of docs/kernels.md
# rest on. A thread decides 64 ensembles for each of two competitors.
MOST_FLOAT64_OF_SWEEP = 200


@pytest.mark.parametrize("case", CASES)
def test_no_register_is_spilled_and_no_instruction_is_lost(case: str) -> None:
    for name, code in compiled_case(case).items():
        assert (code.spills, code.stack) == (0, 0), name
        for instructions in NEEDED.get(name, ()):
            assert code.count(*instructions.split("|")) > 0, (name, instructions)


def test_tables_of_the_sweep_are_computed_once_per_program() -> None:
    """Triton may let every thread compute all sums of high members: then there are twice as many instructions."""
    code = compiled_case("consensus_sweep, M=15")["consensus_sweep._sweep_all_kernel"]
    assert code.count("DADD", "DFMA") < MOST_FLOAT64_OF_SWEEP


@pytest.mark.parametrize("capability", [80, 100])
@pytest.mark.parametrize("case", ["joint_correctness", "attribution, M=32, float32", "js_divergence, 1000 classes"])
def test_compiles_for_the_generations_before_and_after_hopper(case: str, capability: int) -> None:
    assert all(code.counts for code in compiled_case(case, capability).values())


def test_every_kernel_is_compiled() -> None:
    compiled = {name for case in CASES for name in compiled_case(case)}
    written = {
        f"{path.stem.removesuffix('_triton')}.{name}"
        for path in Path(kernels.__file__).parent.glob("*.py")
        for name in re.findall(r"^def (_\w+_kernel)\(", path.read_text(encoding="utf-8"), re.M)
    }
    assert compiled == written
    assert set(NEEDED) <= written
