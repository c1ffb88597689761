"""How well a temperature is known from few samples, and whether the interval of the change of the NLL holds.

The truth is known: labels are drawn from the softmax of the logits, and what is scaled are these logits times a factor,
so the factor is the best temperature. `python -m tests.simulations.temperatures` prints the table of docs/measures.md:
about a minute on one core.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scripts.lib.calibration.outcomes import nll_of_samples, outcomes, scores
from scripts.lib.calibration.temperature import HIGHEST, LOWEST, best_temperature, scaled


@dataclass(frozen=True)
class Truth:
    """A forecast with `classes` classes whose logits have the standard deviation `spread` before the factor."""

    classes: int
    spread: float
    factor: float = 2.0


TRUTHS = (Truth(2, 3), Truth(10, 2), Truth(10, 6), Truth(100, 6))
SAMPLES = (10, 25, 50, 100, 500)
JUDGED, MANY = 500, 50_000  # samples of an evaluation split, and of the population that stands for the truth


@dataclass(frozen=True)
class Result:
    """Of many studies: temperatures divided by the true one, and how often the interval contains the true change."""

    low: float  # the 5 % quantile
    high: float  # the 95 % quantile
    at_limit: float  # share
    covered: float  # share


def draw(truth: Truth, samples: int, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Logarithms of the forecast probabilities float64 [n, C], and labels."""
    logits = truth.spread * random.normal(size=(samples, truth.classes))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(1)
    return torch.from_numpy(truth.factor * logits).log_softmax(1), torch.from_numpy(labels)


def simulate(truth: Truth, samples: int, studies: int, seed: int = 0) -> Result:
    """Fit temperatures on `samples` samples, and judge each on JUDGED others."""
    random = np.random.default_rng([seed, truth.classes, samples])
    population = draw(truth, MANY, random)
    before = nll_of_samples(*population)
    values, covered = [], []
    for _ in range(studies):
        value = best_temperature(*draw(truth, samples, random))
        logs, labels = draw(truth, JUDGED, random)
        found = scores(outcomes(scaled(logs, value), labels, unscaled=nll_of_samples(logs, labels)))
        change = float((nll_of_samples(scaled(population[0], value), population[1]) - before).mean())
        values.append(value)
        covered.append(found["nll_change_low"] <= change <= found["nll_change_high"])
    ratios = np.array(values) / truth.factor
    limits = np.mean([value in (LOWEST, HIGHEST) for value in values])
    return Result(*np.quantile(ratios, [0.05, 0.95]), float(limits), float(np.mean(covered)))


def table(truths: Sequence[Truth], sizes: Sequence[int], studies: int) -> str:
    """The results as a table in Markdown."""
    lines = [
        "| classes | accuracy | samples | T / true T, 5 % to 95 % | at a limit | interval holds |",
        "|---|" * 1 + "---|" * 5,
    ]
    for truth in truths:
        logs, labels = draw(truth, MANY, np.random.default_rng(0))
        accuracy = 100 * float((logs.argmax(1) == labels).double().mean())
        for samples in sizes:
            found = simulate(truth, samples, studies)
            lines.append(
                f"| {truth.classes} | {accuracy:.0f} % | {samples} | {found.low:.2f} to {found.high:.2f} | "
                f"{100 * found.at_limit:.0f} % | {100 * found.covered:.0f} % |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="simulated studies per row")
    torch.set_num_threads(1)
    print(table(TRUTHS, SAMPLES, parser.parse_args().studies))
