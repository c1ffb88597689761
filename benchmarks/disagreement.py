"""Label disagreement: scipy's pdist on its best dtype, torch.cdist and a torch loop beside it."""

import argparse

import common
import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform

from kernels import disagreement


def torch_loop(predictions: torch.Tensor) -> torch.Tensor:
    return torch.stack([(predictions != own).sum(1) for own in predictions]) / predictions.shape[1]


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int) -> None:
    predictions = torch.randint(classes, (members, samples), generator=torch.Generator().manual_seed(0))
    here = predictions.to(arguments.device)
    narrow, doubles = here.short(), predictions.double().numpy()
    floats = here.float()
    peers: dict[str, common.Work] = {
        "ours": lambda: disagreement(here),
        "ours, int16": lambda: disagreement(narrow),
        "scipy pdist hamming, float64": lambda: pdist(doubles, "hamming"),
        "torch loop, int16": lambda: torch_loop(narrow),
        "torch.cdist p=0, float32": lambda: torch.cdist(floats, floats, p=0),
        **common.ceilings(arguments.device),
    }
    expected = squareform(pdist(doubles, "hamming"))
    np.testing.assert_allclose(disagreement(here).cpu().numpy(), expected, atol=1e-15)
    np.testing.assert_allclose(torch_loop(narrow).cpu().numpy(), expected, atol=1e-6)
    sizes = {"members": members, "samples": samples, "classes": classes}
    common.compare("disagreement", sizes, peers, arguments, {})


def main() -> None:
    arguments = common.options(__doc__, members=[16, 64, 256], samples=[50_000] * 3, classes=[1000] * 3)
    for sizes in zip(arguments.members, arguments.samples, arguments.classes, strict=True):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
