"""Label disagreement beside scipy's pdist on its best dtype, torch.cdist, and torch's loop, eager and compiled.

Operations: one comparison per pair of members and sample, M² N / 2. scikit-learn's pairwise_distances calls pdist.
"""

import argparse

import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform

from benchmarks import common
from kernels import disagreement


def torch_loop(predictions: torch.Tensor) -> torch.Tensor:
    return torch.stack([(predictions != own).sum(1) for own in predictions]) / predictions.shape[1]


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int) -> None:
    predictions = torch.randint(classes, (members, samples), generator=torch.Generator().manual_seed(0))
    here = predictions.to(arguments.device)
    narrow, doubles = here.to(torch.int16 if classes < 2**15 else torch.int32), predictions.double().numpy()
    floats = here.float()
    peers: dict[str, common.Work] = {
        "ours": lambda: disagreement(here),
        "ours, machine code for any size": common.at_any_size(lambda: disagreement(here)),
        "scipy pdist hamming, float64": lambda: pdist(doubles, "hamming"),
        "torch loop, narrow integers": lambda: torch_loop(narrow),
        "torch.cdist p=0, float32": lambda: torch.cdist(floats, floats, p=0),
    }
    if members <= 64 and (fused := common.compiled(torch_loop)):  # the loop is unrolled: compiling takes minutes beyond
        peers["torch.compile of the loop, narrow integers"] = lambda: fused(narrow)
    expected = squareform(pdist(doubles, "hamming"))
    np.testing.assert_allclose(disagreement(here).cpu().numpy(), expected, atol=1e-15)
    np.testing.assert_allclose(torch_loop(narrow).cpu().numpy(), expected, atol=1e-6)
    sizes = {"members": members, "samples": samples, "classes": classes}
    common.compare("disagreement", sizes, peers, arguments, operations=members**2 * samples / 2)


def main() -> None:
    arguments = common.options(
        __doc__,
        members=[16, 64, 256, 64, 64, 64, 64],
        samples=[50_000, 50_000, 50_000, 2_000, 10_000, 50_000, 50_000],
        classes=[1000, 1000, 1000, 1000, 1000, 10, 60_000],
    )
    for sizes in common.points(arguments, "members", "samples", "classes"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
