"""Linear CKA beside its definition with features, pair by pair, in torch (eager and compiled) and numpy.

Operations: the products of the features of every pair, M² N D² / 2 multiply-adds, counted as two each.
"""

import argparse

import numpy as np
import torch

from benchmarks import common
from kernels import cka


def by_features(centred: torch.Tensor) -> torch.Tensor:
    """[M, N, D] → [M, M]"""
    products = torch.stack([torch.stack([(y.T @ x).square().sum() for x in centred]) for y in centred])
    own = products.diagonal().sqrt()
    return products / own[:, None] / own


def by_numpy(centred: np.ndarray) -> np.ndarray:
    products = np.array([[np.linalg.norm(y.T @ x) ** 2 for x in centred] for y in centred])
    own = np.sqrt(products.diagonal())
    return products / own[:, None] / own


def benchmark(arguments: argparse.Namespace, members: int, samples: int, features: int) -> None:
    activations = torch.randn(members, samples, features, generator=torch.Generator().manual_seed(0))
    activations = activations.to(arguments.device).double()
    listed, centred = list(activations), activations - activations.mean(1, keepdim=True)
    array = centred.cpu().numpy()
    peers: dict[str, common.Work] = {
        "ours": lambda: cka(listed),
        "torch, features, pair by pair": lambda: by_features(centred),
        "numpy, features, pair by pair": lambda: by_numpy(array),
    }
    if members <= 8 and (fused := common.compiled(by_features)):
        peers["torch.compile, features, pair by pair"] = lambda: fused(centred)
    torch.testing.assert_close(cka(listed), by_features(centred), rtol=1e-9, atol=1e-12)
    sizes = {"members": members, "samples": samples, "features": features}
    common.compare("cka", sizes, peers, arguments, operations=members**2 * samples * features**2)


def main() -> None:
    arguments = common.options(
        __doc__,
        members=[4, 8, 16, 8, 8, 8, 8],
        samples=[500, 500, 500, 100, 2_000, 500, 500],
        features=[512, 512, 512, 512, 512, 128, 2048],
    )
    for sizes in common.points(arguments, "members", "samples", "features"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
