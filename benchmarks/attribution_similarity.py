"""Attribution cosine from float16 beside torch.bmm in float32 on data already converted and laid out for it.

The peer "Gram only" does less: it neither converts nor divides by norms. Operations: M² N P multiply-adds, two each.
"""

import argparse

import torch
from sklearn.metrics.pairwise import cosine_similarity

from benchmarks import common
from kernels import attribution_similarity


def cosines(maps: torch.Tensor) -> torch.Tensor:
    """[M, N, P] → [M, M] in plain torch."""
    floats = maps.transpose(0, 1).float()
    grams = torch.bmm(floats, floats.transpose(1, 2))
    norms = grams.diagonal(dim1=1, dim2=2).sqrt()
    return (grams / norms[:, :, None] / norms[:, None]).mean(0)


def benchmark(arguments: argparse.Namespace, members: int, samples: int, pixels: int) -> None:
    maps = torch.rand(members, samples, pixels, generator=torch.Generator().manual_seed(0)).half()
    maps = maps.to(arguments.device)
    floats = maps.transpose(0, 1).float().contiguous()
    peers: dict[str, common.Work] = {
        "ours": lambda: attribution_similarity(maps),
        "ours, machine code for any size": common.at_any_size(lambda: attribution_similarity(maps)),
        "torch.bmm, float32, Gram only": lambda: torch.bmm(floats, floats.transpose(1, 2)),
        "torch, conversion and cosines": lambda: cosines(maps),
        "scikit-learn cosine_similarity": lambda: sum(cosine_similarity(sample) for sample in floats.cpu().numpy()),
    }
    if fused := common.compiled(cosines):
        peers["torch.compile, conversion and cosines"] = lambda: fused(maps)
    torch.testing.assert_close(attribution_similarity(maps).float(), cosines(maps), rtol=0, atol=1e-5)
    sizes = {"members": members, "samples": samples, "pixels": pixels}
    common.compare("attribution_similarity", sizes, peers, arguments, operations=2 * members**2 * samples * pixels)


def main() -> None:
    arguments = common.options(
        __doc__,
        members=[4, 8, 16, 32, 16, 16, 16, 16],
        samples=[500, 500, 500, 500, 20, 100, 500, 500],
        pixels=[50_176, 50_176, 50_176, 50_176, 50_176, 50_176, 1024, 4096],
    )
    for sizes in common.points(arguments, "members", "samples", "pixels"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
