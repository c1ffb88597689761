"""Runs every Triton kernel on the CPU against plain torch: `TRITON_INTERPRET=1 python triton_interpreter.py`.

A process of its own, because Triton reads the variable when it is imported. Prints one line per kernel that agrees.
"""

import time

import torch

from kernels.attribution_similarity import _similarities_torch
from kernels.attribution_similarity_triton import cosines_triton
from kernels.consensus_sweep import _sweep_torch
from kernels.consensus_sweep_numba import sweep_numba
from kernels.consensus_sweep_triton import sweep_triton
from kernels.disagreement import _count_torch as differing
from kernels.disagreement import _count_triton as differing_triton
from kernels.joint_correctness import _count_torch as shared
from kernels.joint_correctness import _count_triton as shared_triton
from kernels.js_divergence import _sum_torch, _sum_triton
from kernels.pairs import mirrored


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def check_disagreement() -> None:
    for members, samples, classes in ((1, 1, 1), (5, 35, 10), (65, 1, 65536)):
        for dtype in (torch.int64, torch.int32):
            predictions = torch.randint(classes, (members, samples), generator=generator(0)).to(dtype)
            planes = max(1, (classes - 1).bit_length())
            assert torch.equal(differing_triton(predictions, planes), differing(predictions))


def check_joint_correctness() -> None:
    for members, samples in ((1, 1), (5, 300), (66, 130)):
        correct = torch.rand(members, samples, generator=generator(1)) < 0.6
        assert torch.equal(shared_triton(correct), shared(correct))


def check_js_divergence() -> None:
    for members, samples, classes in ((1, 1, 1), (2, 9, 66), (9, 1, 3)):
        for dtype in (torch.float32, torch.float16):
            p = torch.randn(members, samples, classes, generator=generator(2)).softmax(2).to(dtype)
            torch.testing.assert_close(mirrored(_sum_triton(p)), mirrored(_sum_torch(p)), rtol=1e-5, atol=1e-5)


def check_attribution_similarity() -> None:
    for members, samples, pixels in ((1, 1, 1), (3, 2, 70), (130, 1, 20)):
        for dtype in (torch.float16, torch.float32):
            maps = torch.randn(members, samples, pixels, generator=generator(3)).to(dtype)
            maps[members // 2, 0] = 0
            maps[members // 3, 0] = 0.1
            for measure, centred in (("cosine", False), ("pearson", True)):
                expected = _similarities_torch(maps, measure, 1)  # type: ignore[arg-type]
                actual = mirrored(cosines_triton(maps, centred))
                torch.testing.assert_close(actual, mirrored(expected), rtol=0, atol=1e-5)


def check_parts_of_float32() -> None:
    """The error that docs/kernels.md states for two float16 parts; one part alone would be a thousand times worse."""
    maps = torch.randn(4, 2, 3000, generator=generator(8)) ** 3 * torch.tensor([1e-20, 1, 300, 1e20])[:, None, None]
    expected = mirrored(_similarities_torch(maps, "cosine", 1))
    torch.testing.assert_close(mirrored(cosines_triton(maps, False)), expected, rtol=0, atol=2 * 1.5e-6)


def check_consensus_sweep() -> None:
    for members, samples, classes in ((1, 1, 1), (2, 20, 3), (2, 1, 600)):
        labels = torch.randint(classes, (samples,), generator=generator(4))
        random = torch.rand(members, samples, classes, generator=generator(5))
        tied = torch.randint(3, (members, samples, classes), generator=generator(6)) / 4
        listed = torch.rand(5, members, generator=generator(7)) < 0.5
        listed[:, 0] = True
        cases = ((random, "all", False), (random, listed, True), (tied, "all", True), (tied, listed, False))
        for scores, ensembles, vote in cases:
            expected = _sweep_torch(scores, labels, ensembles, vote)  # type: ignore[arg-type]
            actual = sweep_triton(scores, labels, ensembles, vote)  # type: ignore[arg-type]
            keep = slice(1, None) if isinstance(ensembles, str) else slice(None)  # not the empty ensemble
            assert torch.equal(actual[keep], expected[keep])


def check_sweep_of_more_samples_than_a_program_takes() -> None:
    scores = torch.rand(1, 130, 2, generator=generator(12))
    labels = torch.randint(2, (130,), generator=generator(13))
    assert torch.equal(sweep_triton(scores, labels, "all", False)[1:], _sweep_torch(scores, labels, "all", False)[1:])


def check_sweep_against_numba() -> None:
    """Sums that are rounded, in float64, are decided as on the CPU, bit for bit: low and high members, two programs."""
    members, samples, classes = 13, 3, 5
    labels = torch.randint(classes, (samples,), generator=generator(9))
    values = torch.tensor([1, 0.3, 0.1, 1e-9, 1e-17, 0], dtype=torch.float64)  # some are lost beside others
    scores = values[torch.randint(len(values), (members, samples, classes), generator=generator(10))]
    listed = torch.rand(40, members, generator=generator(11)) < 0.6
    listed[:, 0] = True
    for ensembles in ("all", listed):
        for vote in (False, True):
            expected = sweep_numba(scores, labels, ensembles, vote)  # type: ignore[arg-type]
            assert torch.equal(sweep_triton(scores, labels, ensembles, vote), expected)  # type: ignore[arg-type]


if __name__ == "__main__":
    torch.set_num_threads(1)  # thousands of tiny operations, which threads only slow down
    checks = {
        name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
    }
    for name, check in checks.items():
        began = time.perf_counter()
        check()
        print(f"{name} {time.perf_counter() - began:.1f} s", flush=True)
