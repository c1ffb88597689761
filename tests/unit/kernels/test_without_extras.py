"""The package needs torch and numpy only: numba and Triton make it fast, and it uses nothing else of the project."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import kernels
from kernels import cpu

SCRIPT = """
import sys
blocked = {"polars", "snakemake", "nncf", "pandas", "scripts", "numba", "triton"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name in blocked else found(name, *a)
import torch, kernels
p = torch.tensor([[[0.75, 0.25]], [[0.25, 0.75]]])
print(kernels.disagreement(p.argmax(2)).tolist(), kernels.joint_correctness(p[..., 0] > 0.5).tolist())
print(kernels.attribution_similarity(p).shape, kernels.js_divergence(p).shape, kernels.cka(list(p)).shape)
print(kernels.average_nll(p[..., 0])[1].tolist())
print(kernels.consensus_sweep(p, torch.tensor([0])).tolist())
"""


def test_runs_with_torch_alone() -> None:
    root = Path(kernels.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    first, _, clipped, last = run.stdout.splitlines()
    assert clipped == "[0, 0, 0]"
    assert first == "[[0.0, 1.0], [1.0, 0.0]] [[1, 0], [0, 0]]"
    assert last == "[1, 0, 1]"


def test_importing_does_not_import_numba() -> None:
    code = "import sys, kernels; sys.exit('numba' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(kernels.__file__).parents[1], check=False).returncode == 0
    )


@pytest.mark.skipif(not cpu.AVAILABLE, reason="numba is not installed: there is no compiled code")
def test_torch_and_compiled_code_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    predictions = torch.randint(300, (20, 999), generator=generator)
    probabilities = torch.randn(6, 130, 50, generator=generator).softmax(2)
    maps = torch.rand(9, 7, 500, generator=generator).half()
    labels = torch.randint(50, (130,), generator=generator)

    def results() -> list[torch.Tensor]:
        return [
            kernels.disagreement(predictions),
            kernels.joint_correctness(predictions < 200),
            kernels.js_divergence(probabilities),
            kernels.attribution_similarity(maps),
            kernels.attribution_similarity(maps, "pearson"),
            kernels.consensus_sweep(probabilities, labels),
            kernels.consensus_sweep(probabilities, labels, consensus="vote"),
            *kernels.average_nll(probabilities[..., 0]),
        ]

    fast = results()
    monkeypatch.setattr(cpu, "AVAILABLE", False)
    for one, other in zip(fast, results(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6 if one.is_floating_point() else 0)


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_the_same_counts(threads: int) -> None:
    probabilities = torch.randn(5, 1000, 20, generator=torch.Generator().manual_seed(1)).softmax(2)
    labels = torch.zeros(1000, dtype=torch.int64)
    before = torch.get_num_threads()
    expected = kernels.consensus_sweep(probabilities, labels), kernels.disagreement(probabilities.argmax(2))
    torch.set_num_threads(threads)
    try:
        assert torch.equal(kernels.consensus_sweep(probabilities, labels), expected[0])
        assert torch.equal(kernels.disagreement(probabilities.argmax(2)), expected[1])
    finally:
        torch.set_num_threads(before)


def test_small_work_is_left_to_torch_so_that_numba_need_not_start() -> None:
    code = """
import sys, torch, kernels
kernels.disagreement(torch.randint(10, (8, 1000)))
kernels.consensus_sweep(torch.rand(6, 500, 10), torch.zeros(500, dtype=torch.int64))
kernels.average_nll(torch.rand(6, 500))
print("numba" in sys.modules)
"""
    root = Path(kernels.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
