"""Joint correctness beside one float32 matrix product of the same shape, already converted, and an int8 one."""

import argparse

import common
import torch

from kernels import joint_correctness


def benchmark(arguments: argparse.Namespace, members: int, samples: int) -> None:
    correct = (torch.rand(members, samples, generator=torch.Generator().manual_seed(0)) < 0.7).to(arguments.device)
    floats = correct.float()
    peers: dict[str, common.Work] = {
        "ours": lambda: joint_correctness(correct),
        "float32 matrix product": lambda: floats @ floats.T,
        "float32 matrix product with conversion": lambda: correct.float() @ correct.float().T,
        **common.ceilings(arguments.device),
    }
    assert torch.equal(joint_correctness(correct), (floats @ floats.T).long())
    common.compare("joint_correctness", {"members": members, "samples": samples}, peers, arguments, {})


def main() -> None:
    arguments = common.options(__doc__, members=[16, 64, 256], samples=[50_000] * 3)
    for sizes in zip(arguments.members, arguments.samples, strict=True):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
