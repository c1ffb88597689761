"""All ensembles beside the plain loop over subsets, which is timed on a sample of the subsets and extrapolated.

The loop's time for a subset is proportional to its size; the timed subsets are every step-th of all, so that their mean
size is about that of all. The probabilities are simulated: members share half of their error, and the benchmark prints
the accuracy of a member.
"""

import argparse

import common
import torch

from kernels import consensus_sweep

LOOPED_ENSEMBLES = 16
LOOPED_SAMPLES = 1000


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


def plain_loop(probabilities: torch.Tensor, labels: torch.Tensor, ensembles: list[int]) -> list[int]:
    counts = []
    for e in ensembles:
        chosen = [m for m in range(len(probabilities)) if e >> m & 1]
        counts.append(int((probabilities[chosen].mean(0).argmax(-1) == labels).sum()))
    return counts


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int) -> None:
    probabilities, labels = simulated(members, samples, classes)
    probabilities, labels = probabilities.to(arguments.device), labels.to(arguments.device)
    accuracy = (probabilities[0].argmax(1) == labels).float().mean().item()
    count = (1 << members) - 1
    ensembles = list(range(1, count + 1, max(1, count // LOOPED_ENSEMBLES)))
    part = slice(0, min(samples, LOOPED_SAMPLES if classes > 100 else samples))
    few, few_labels = probabilities[:, part].contiguous(), labels[part]
    ours = consensus_sweep(few, few_labels)[torch.tensor(ensembles) - 1].tolist()
    unequal = sum(abs(a - b) for a, b in zip(ours, plain_loop(few, few_labels, ensembles), strict=True))
    print(f"accuracy of a member {accuracy:.2f}, decisions that differ by rounding: {unequal}", flush=True)
    assert unequal <= 1e-5 * len(ensembles) * len(few_labels)
    peers: dict[str, common.Work] = {
        "ours": lambda: consensus_sweep(probabilities, labels),
        "plain loop over subsets": lambda: plain_loop(few, few_labels, ensembles),
        **common.ceilings(arguments.device),
    }
    factor = count / len(ensembles) * samples / len(few_labels)
    sizes = {"members": members, "samples": samples, "classes": classes}
    common.compare("consensus_sweep", sizes, peers, arguments, {"plain loop over subsets": factor})


def main() -> None:
    arguments = common.options(
        __doc__, members=[4, 8, 12, 15], samples=[10_000, 10_000, 10_000, 50_000], classes=[100, 100, 100, 1000]
    )
    for sizes in zip(arguments.members, arguments.samples, arguments.classes, strict=True):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
