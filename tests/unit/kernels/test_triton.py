"""Triton kernels without a GPU: they compile for three generations of GPUs, and agree with torch when interpreted."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import kernels
from kernels import gpu
from kernels.attribution_similarity_triton import _gram_kernel
from kernels.consensus_sweep_triton import _competitors_kernel, _sweep_kernel
from kernels.disagreement import _count_kernel as disagreement_kernel
from kernels.disagreement import _cut_kernel
from kernels.joint_correctness import _count_kernel as joint_kernel
from kernels.js_divergence import _sum_kernel

pytestmark = pytest.mark.skipif(not gpu.AVAILABLE, reason="triton is not installed; the package then runs in torch")

HERE = Path(__file__).parent
# Kernel, types of its pointers, constants, warps, and an instruction that the PTX of Hopper must contain.
CASES: dict[str, tuple[Any, dict[str, str], dict[str, Any], int, str]] = {
    "joint_correctness": (
        joint_kernel,
        {"correct": "*i8", "counts": "*i64"},
        {"TILE": 64, "STEP": 128},
        4,
        "wgmma",
    ),
    "disagreement, cut": (
        _cut_kernel,
        {"predictions": "*i64", "cut": "*i32"},
        {"PLANES": 10, "TILE": 64},
        4,
        "st.global",
    ),
    "disagreement, count": (
        disagreement_kernel,
        {"cut": "*i32", "counts": "*i64"},
        {"PLANES": 10, "TILE": 64},
        4,
        "popc.b32",
    ),
    "js_divergence": (
        _sum_kernel,
        {"probabilities": "*fp32", "total": "*fp64"},
        {"TILE": 8, "CLASSES": 64, "SAMPLES": 8, "LN2": 0.6931, "TINY": 1e-37},
        4,
        "fma.rn.f32",
    ),
    "attribution_similarity, float16": (
        _gram_kernel,
        {"maps": "*fp16", "shift": "*fp16", "scale": "*fp16", "gram": "*fp32"},
        {"TRANSFORMED": False, "ONE_TILE": True, "TILE": 128, "PIXELS": 64},
        8,
        "wgmma",
    ),
    "attribution_similarity, centred": (
        _gram_kernel,
        {"maps": "*fp16", "shift": "*fp32", "scale": "*fp32", "gram": "*fp32"},
        {"TRANSFORMED": True, "ONE_TILE": False, "TILE": 64, "PIXELS": 32},
        4,
        "fma.rn.f32",
    ),
    "consensus_sweep, competitors": (
        _competitors_kernel,
        {"scores": "*fp32", "labels": "*i64", "favourites": "*i64", "listed": "*i32", "sizes": "*i32"},
        {"VOTE": False, "BLOCK": 512},
        4,
        "st.global",
    ),
    "consensus_sweep, vote": (
        _sweep_kernel,
        {
            "scores": "*fp32",
            "labels": "*i64",
            "favourites": "*i64",
            "weights": "*fp64",
            "listed": "*i32",
            "sizes": "*i32",
            "chosen": "*i8",
            "counts": "*i64",
        },
        {"VOTE": True, "ENSEMBLES": 128, "MEMBERS": 16},
        4,
        "popc.b64",
    ),
}


@pytest.mark.parametrize("capability", [80, 90, 100])
@pytest.mark.parametrize("name", CASES)
def test_compiles_without_a_gpu(name: str, capability: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel, pointers, constants, warps, instruction = CASES[name]
    types = {argument: pointers.get(argument, "i32") for argument in kernel.arg_names}
    signature = {argument: "constexpr" if argument in constants else kind for argument, kind in types.items()}
    source = ASTSource(
        fn=kernel, signature=signature, constexprs={(kernel.arg_names.index(k),): v for k, v in constants.items()}
    )
    binary = gpu.triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": warps})
    assert len(binary.asm["cubin"]) > 0
    if capability == 90:
        assert instruction in binary.asm["ptx"]


def test_interpreted_kernels_agree_with_torch() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(Path(kernels.__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, HERE / "triton_interpreter.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(run.stdout.splitlines()) == 5


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a GPU; the interpreter and the compiler stand in for it"
)
def test_kernels_agree_with_the_cpu_on_a_gpu() -> None:
    generator = torch.Generator().manual_seed(0)
    predictions = torch.randint(1000, (70, 5000), generator=generator)
    probabilities = torch.randn(9, 300, 1000, generator=generator).softmax(2)
    maps = torch.rand(33, 20, 4000, generator=generator).half()
    labels = torch.randint(1000, (300,), generator=generator)
    for kernel, arguments, tolerance in (
        (kernels.disagreement, (predictions,), 0),
        (kernels.joint_correctness, (predictions < 700,), 0),
        (kernels.js_divergence, (probabilities,), 1e-6),
        (kernels.attribution_similarity, (maps,), 1e-5),
        (kernels.consensus_sweep, (probabilities, labels), 0),
    ):
        there = kernel(*(argument.cuda() for argument in arguments)).cpu()
        torch.testing.assert_close(there, kernel(*arguments), rtol=0, atol=tolerance)
