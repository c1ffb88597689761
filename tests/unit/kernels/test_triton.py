"""Triton kernels agree with torch and numba: interpreted on the CPU, and on a GPU where there is one."""

import functools
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import kernels
from kernels import gpu

pytestmark = pytest.mark.skipif(not gpu.AVAILABLE, reason="triton is not installed; the package then runs in torch")

HERE = Path(__file__).parent


def test_interpreted_kernels_agree_with_torch_and_numba() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(Path(kernels.__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, HERE / "triton_interpreter.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(run.stdout.splitlines()) == 8


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_bound_of_the_error_of_the_logarithm(classes: int) -> None:
    """Logarithms that are as wrong as the GPU's instruction may be, all in the direction that adds up."""
    generator = torch.Generator().manual_seed(0)
    for scale in (0.01, 1, 30):
        p, q = (scale * torch.randn(2, 200, classes, generator=generator).double()).softmax(2) / 2
        exact = _divergence(p, q, 0)
        for error in (2**-22, -(2**-22)):
            assert (_divergence(p, q, error) - exact).abs().max() <= 3.4e-7 * (1 + math.log2(classes))


def _divergence(p: torch.Tensor, q: torch.Tensor, error: float) -> torch.Tensor:
    """As `_sum_kernel` computes it, from halves of probabilities [samples, classes], in nats per sample."""

    def log2(x: torch.Tensor, error: float) -> torch.Tensor:
        return x.log2() + error * x.log2().abs().clamp_min(1)

    own = p * (1 + log2(p, error)) + q * (1 + log2(q, error))
    return (own - (p + q) * log2(p + q, -error)).sum(1) * math.log(2)


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
        (kernels.joint_correctness, (predictions[:, 1:] < 700,), 0),
        (kernels.js_divergence, (probabilities,), 3.4e-7 * (1 + math.log2(1000))),
        (kernels.attribution_similarity, (maps,), 1e-5),
        (kernels.attribution_similarity, (maps.float(),), 1e-5),
        (functools.partial(kernels.attribution_similarity, measure="pearson"), (maps,), 1e-5),
        (kernels.consensus_sweep, (probabilities, labels), 0),
        (kernels.consensus_sweep, (probabilities.double(), labels), 0),
        (functools.partial(kernels.consensus_sweep, consensus="vote"), (probabilities, labels), 0),
        (kernels.consensus_sweep, (probabilities, labels, torch.eye(9) == 0), 0),
    ):
        there = kernel(*(argument.cuda() for argument in arguments)).cpu()
        torch.testing.assert_close(there, kernel(*arguments), rtol=0, atol=tolerance)
