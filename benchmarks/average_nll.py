"""NLL of the averages of ensembles beside the plain loop over subsets, and beside one matrix product for all subsets.

The loop is timed on some of the subsets and its time multiplied: it is proportional to the size of a subset, and every
k-th of all subsets is timed, which have about the mean size. The matrix product is timed on 200 samples and its time
multiplied. The probabilities of the true class are simulated. Operations: one addition and one multiplication per
sample and subset. With `--listed E`, E subsets of 5 members are given instead of all 2^M - 1.
"""

import argparse

import torch

from benchmarks import common
from benchmarks.consensus_sweep import all_subsets, listed_subsets
from kernels import average_nll
from kernels.average_nll import FLOOR

LOOPED_ENSEMBLES, PRODUCT_SAMPLES = 64, 200


def simulated(members: int, samples: int) -> torch.Tensor:
    """float64 [members, samples]: members share half of their error, and a few probabilities are below the floor."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(samples, generator=generator, dtype=torch.float64)
    own = torch.randn(members, samples, generator=generator, dtype=torch.float64)
    return (2 + 3 * (shared + own)).sigmoid()


def plain_loop(probabilities: torch.Tensor, ensembles: torch.Tensor) -> torch.Tensor:
    return torch.stack([-probabilities[chosen].mean(0).clamp(min=FLOOR).log().sum() for chosen in ensembles])


def matrix_product(probabilities: torch.Tensor, ensembles: torch.Tensor) -> torch.Tensor:
    mean = ensembles.double() @ probabilities / ensembles.sum(1, keepdim=True)
    return -mean.clamp(min=FLOOR).log().sum(1)


def benchmark(arguments: argparse.Namespace, members: int, samples: int, listed: int) -> None:
    probabilities = simulated(members, samples).to(arguments.device)
    ensembles = (listed_subsets(members, listed) if listed else all_subsets(members)).to(arguments.device)
    argument = ensembles if listed else "all"
    some = torch.arange(0, len(ensembles), max(1, len(ensembles) // LOOPED_ENSEMBLES))
    few = probabilities[:, :PRODUCT_SAMPLES].contiguous()
    found = average_nll(probabilities, argument)[0][some]
    torch.testing.assert_close(found, plain_loop(probabilities, ensembles[some]), rtol=1e-12, atol=1e-9)
    peers: dict[str, common.Work] = {
        "ours": lambda: average_nll(probabilities, argument),
        "plain loop over subsets": lambda: plain_loop(probabilities, ensembles[some]),
        "matrix product over subsets": lambda: matrix_product(few, ensembles),
    }
    scale = {
        "plain loop over subsets": len(ensembles) / len(some),
        "matrix product over subsets": samples / few.shape[1],
    }
    sizes = {"members": members, "samples": samples, "ensembles": len(ensembles)}
    common.compare("average_nll", sizes, peers, arguments, 2 * len(ensembles) * samples, scale)


def main() -> None:
    arguments = common.options(
        __doc__,
        members=[12, 16, 20, 16, 1000],
        samples=[10_000, 10_000, 10_000, 50_000, 10_000],
        listed=[0, 0, 0, 0, 1000],
    )
    for sizes in common.points(arguments, "members", "samples", "listed"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
