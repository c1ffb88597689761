"""Ensembles beside the plain loop over subsets, and beside one matrix product for all subsets, eager and compiled.

The loop is timed on some of the subsets (and, with more than 100 classes, on 1000 samples) and its time multiplied: it
is proportional to the size of a subset, and every k-th of all subsets is timed, which have about the mean size. The
matrix product is timed on 20 samples and its time multiplied. The probabilities are simulated: members share half of
their error, and the benchmark prints the accuracy of a member. Operations: one addition per member, class and sample of
every subset, E M N C / 2. With `--listed E`, E subsets of 5 members are given instead of all 2^M - 1.
"""

import argparse

import torch

from benchmarks import common
from kernels import consensus_sweep

LOOPED_ENSEMBLES = 16
LOOPED_SAMPLES = 1000
PRODUCT_SAMPLES = 20


def simulated(members: int, samples: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(classes, (samples,), generator=generator)
    probabilities = torch.empty(members, samples, classes)
    for start in range(0, samples, 1000):
        own = labels[start : start + 1000]
        shared = 1.5 * torch.randn(len(own), classes, generator=generator)
        for member in range(members):
            logits = shared + 1.5 * torch.randn(len(own), classes, generator=generator)
            logits[torch.arange(len(own)), own] += 2.6 * (2 + classes) ** 0.16
            probabilities[member, start : start + 1000] = logits.softmax(1)
    return probabilities, labels


def plain_loop(probabilities: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor) -> torch.Tensor:
    return torch.stack([(probabilities[chosen].mean(0).argmax(-1) == labels).sum() for chosen in ensembles])


def matrix_product(probabilities: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor) -> torch.Tensor:
    sums = ensembles.float() @ probabilities.flatten(1)
    return (sums.view(len(ensembles), *probabilities.shape[1:]).argmax(2) == labels).sum(1)


def all_subsets(members: int) -> torch.Tensor:
    numbers = torch.arange(1, 1 << members)
    return (numbers[:, None] >> torch.arange(members) & 1).bool()


def listed_subsets(members: int, count: int, size: int = 5) -> torch.Tensor:
    order = torch.rand(count, members, generator=torch.Generator().manual_seed(1)).argsort(1)[:, :size]
    return torch.zeros(count, members, dtype=torch.bool).scatter_(1, order, True)


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int, listed: int) -> None:
    probabilities, labels = (x.to(arguments.device) for x in simulated(members, samples, classes))
    ensembles = (listed_subsets(members, listed) if listed else all_subsets(members)).to(arguments.device)
    accuracy = (probabilities[0].argmax(1) == labels).float().mean().item()
    some = torch.arange(0, len(ensembles), max(1, len(ensembles) // LOOPED_ENSEMBLES))
    few = slice(0, min(samples, LOOPED_SAMPLES if classes > 100 else samples))
    part, part_labels = probabilities[:, few].contiguous(), labels[few]
    tiny, tiny_labels = probabilities[:, :PRODUCT_SAMPLES].contiguous(), labels[:PRODUCT_SAMPLES]
    argument = ensembles if listed else "all"
    found = consensus_sweep(part, part_labels, argument)
    unequal = int((found[some] - plain_loop(part, part_labels, ensembles[some])).abs().sum())
    print(f"accuracy of a member {accuracy:.2f}, decisions that differ by rounding: {unequal}", flush=True)
    assert unequal <= 1e-5 * len(some) * len(part_labels)
    peers: dict[str, common.Work] = {
        "ours": lambda: consensus_sweep(probabilities, labels, argument),
        "ours, machine code for any size": common.at_any_size(lambda: consensus_sweep(probabilities, labels, argument)),
        "plain loop over subsets": lambda: plain_loop(part, part_labels, ensembles[some]),
        "matrix product over subsets": lambda: matrix_product(tiny, tiny_labels, ensembles),
    }
    scale = {
        "plain loop over subsets": len(ensembles) / len(some) * samples / len(part_labels),
        "matrix product over subsets": samples / len(tiny_labels),
    }
    if fused := common.compiled(matrix_product):
        peers["torch.compile of the product"] = lambda: fused(tiny, tiny_labels, ensembles)
        scale["torch.compile of the product"] = samples / len(tiny_labels)
    sizes = {"members": members, "samples": samples, "classes": classes, "ensembles": len(ensembles)}
    operations = int(ensembles.sum()) * samples * classes
    common.compare("consensus_sweep", sizes, peers, arguments, operations, scale)


def main() -> None:
    arguments = common.options(
        __doc__,
        members=[4, 8, 12, 15, 12, 12, 12, 12, 1000],
        samples=[10_000, 10_000, 10_000, 10_000, 1_000, 50_000, 10_000, 10_000, 10_000],
        classes=[100, 100, 100, 100, 100, 100, 10, 1000, 10],
        listed=[0, 0, 0, 0, 0, 0, 0, 0, 1000],
    )
    for sizes in common.points(arguments, "members", "samples", "classes", "listed"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
