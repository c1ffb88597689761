"""Joint correctness beside one float32 matrix product of the same shape, already converted, and with the conversion.

Operations: the product's M² N multiply-adds, counted as two each.
"""

import argparse

import torch

from benchmarks import common
from kernels import joint_correctness


def product(correct: torch.Tensor) -> torch.Tensor:
    floats = correct.float()
    return floats @ floats.T


def benchmark(arguments: argparse.Namespace, members: int, samples: int) -> None:
    correct = (torch.rand(members, samples, generator=torch.Generator().manual_seed(0)) < 0.7).to(arguments.device)
    floats = correct.float()
    peers: dict[str, common.Work] = {
        "ours": lambda: joint_correctness(correct),
        "ours, machine code for any size": common.at_any_size(lambda: joint_correctness(correct)),
        "float32 matrix product": lambda: floats @ floats.T,
        "float32 matrix product with conversion": lambda: product(correct),
    }
    if fused := common.compiled(product):
        peers["torch.compile of product and conversion"] = lambda: fused(correct)
    assert torch.equal(joint_correctness(correct), (floats @ floats.T).long())
    sizes = {"members": members, "samples": samples}
    common.compare("joint_correctness", sizes, peers, arguments, operations=2 * members**2 * samples)


def main() -> None:
    arguments = common.options(
        __doc__, members=[16, 64, 256, 1024, 256, 256], samples=[50_000, 50_000, 50_000, 50_000, 2_000, 10_000]
    )
    for sizes in common.points(arguments, "members", "samples"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
