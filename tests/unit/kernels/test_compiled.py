"""Triton kernels as machine code, without a GPU: what is launched compiles, and Hopper's code is as designed.

Each case of `benchmarks.compiled_kernels` is compiled once per generation of GPUs.
"""

import pytest

from kernels import gpu

if not gpu.AVAILABLE:
    pytest.skip("triton is not installed; the package then runs in torch", allow_module_level=True)

from benchmarks.compiled_kernels import CASES, compiled_case

# Instructions that must be in the code for Hopper: without them a kernel is correct and many times slower.
NEEDED = {
    "disagreement._count_kernel": "POPC",
    "joint_correctness._count_kernel": "IGMMA",
}


@pytest.mark.parametrize("capability", [80, 100])
@pytest.mark.parametrize("case", CASES)
def test_compiles_for_the_generations_before_and_after_hopper(case: str, capability: int) -> None:
    for name, code in compiled_case(case, capability).items():
        assert code.counts, name


@pytest.mark.parametrize("case", CASES)
def test_no_register_is_spilled_and_no_instruction_is_lost(case: str) -> None:
    for name, code in compiled_case(case).items():
        assert code.spills == 0, name
        assert code.stack == 0, name
        assert code.registers < 255, name
        assert code.count(NEEDED.get(name, "")) > 0, name


@pytest.mark.parametrize("name", NEEDED)
def test_some_case_has_the_kernel(name: str) -> None:
    assert any(name in compiled_case(case) for case in CASES)
