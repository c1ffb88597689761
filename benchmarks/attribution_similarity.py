"""Attribution cosine from float16 beside torch.bmm in float32 on data already converted and laid out for it."""

import argparse

import common
import torch

from kernels import attribution_similarity


def cosines(grams: torch.Tensor) -> torch.Tensor:
    norms = grams.diagonal(dim1=1, dim2=2).sqrt()
    return (grams / norms[:, :, None] / norms[:, None]).mean(0)


def benchmark(arguments: argparse.Namespace, members: int, samples: int, pixels: int) -> None:
    maps = torch.rand(members, samples, pixels, generator=torch.Generator().manual_seed(0)).half()
    maps = maps.to(arguments.device)
    floats = maps.transpose(0, 1).float().contiguous()
    peers: dict[str, common.Work] = {
        "ours": lambda: attribution_similarity(maps),
        "torch.bmm, float32, Gram only": lambda: torch.bmm(floats, floats.transpose(1, 2)),
        "torch.bmm with conversion": lambda: torch.bmm(maps.transpose(0, 1).float(), maps.permute(1, 2, 0).float()),
        **common.ceilings(arguments.device),
    }
    expected = cosines(torch.bmm(floats, floats.transpose(1, 2)).double())
    torch.testing.assert_close(attribution_similarity(maps), expected, rtol=0, atol=1e-5)
    sizes = {"members": members, "samples": samples, "pixels": pixels}
    common.compare("attribution_similarity", sizes, peers, arguments, {})


def main() -> None:
    arguments = common.options(__doc__, members=[8, 16, 32], samples=[500] * 3, pixels=[50_176] * 3)
    for sizes in zip(arguments.members, arguments.samples, arguments.pixels, strict=True):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
