"""How often verdicts on the paper's observations are wrong on simulated members whose truth is known.

    python -m tests.simulations.verdicts [--studies 200] [--members 12 15] [--seed 0]

prints the tables of docs/statistics.md, section Verdicts. The logits of a member are noise, plus the ease of the sample
(2 ± 1.5 on the clean set) times the member's skill (0.4 to 1.1) for the right class, one of ten. On each of three
shifted sets, the ease is smaller, by a factor that is the member's resilience.

- 1a: the logarithm of the factor depends on the family (five families), on the logarithm of the parameters or on the
  skill, or only on chance (standard deviation 0.1).
- 1b: families are only labels: members err independently and have resiliences of their own. Then ensembles of mixed
  families cannot be more resilient: the difference is 0. Or each family shares 60 % of the variance of its noise on all
  sets; the truth is then not 0, but not known in points.
- 2: both diversities are the disagreement, on other images each: the truth is that their correlations are equal. Or one
  of them is replaced by that of other members, which says nothing about the accuracy.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from scripts.lib.ensembles.counts import samples_right
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.observations import attribution_diversity, resilience_of_ensembles, resilience_of_members
from scripts.lib.observations.attribution_diversity import Diversities
from scripts.lib.observations.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from scripts.lib.observations.resilience_of_ensembles import ShiftedSet
from scripts.lib.observations.resilience_of_members import Members
from scripts.lib.observations.verdict import Verdict
from scripts.lib.statistics.robustness import Counts

CLASSES, SETS, CHANCE, SHARED = 10, 3, 0.1, 0.6
PERMUTATIONS = 199
ATTRIBUTED = 100  # images with attributions
LARGEST = 400  # ensembles of each size


@dataclass(frozen=True)
class Truth:
    """Members of so many families, what their resilience depends on, and how much of their noise a family shares."""

    families: int = 5
    family: float = 0.0
    size: float = 0.0
    skill: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True)
class Study:
    """Simulated members: families [M], parameters [M], and on each set probabilities [M, N, C] and labels [N]."""

    families: list[str]
    parameters: np.ndarray
    sets: list[tuple[torch.Tensor, torch.Tensor]]


def study(truth: Truth, members: int, samples: int, generator: np.random.Generator) -> Study:
    """The first set is not shifted."""
    places, size = np.arange(members) % truth.families, generator.normal(15, 1, members)
    skill = generator.uniform(0.4, 1.1, members)
    of_families = generator.normal(size=truth.families)
    resilience = truth.family * of_families[places] + truth.size * (size - 15) + truth.skill * (skill - 0.75)
    factors = np.exp(-0.4 + resilience + CHANCE * generator.normal(size=members))
    sets = []
    for factor in (np.ones(members), *[factors] * SETS):
        labels, ease = generator.integers(0, CLASSES, samples), generator.normal(2, 1.5, samples)
        logits = generator.standard_normal((members, samples, CLASSES))
        if truth.shared:
            common = generator.standard_normal((truth.families, samples, CLASSES))[places]
            logits = np.sqrt(1 - truth.shared) * logits + np.sqrt(truth.shared) * common
        logits[:, np.arange(samples), labels] += ease * (skill * factor)[:, None]
        sets.append((torch.from_numpy(logits).softmax(2), torch.from_numpy(labels)))
    return Study([f"family {place}" for place in places], np.exp(size), sets)


def on_members(truth: Truth, members: int, samples: int, seed: int, number: int) -> Verdict:
    """1a on one study."""
    found = study(truth, members, samples, np.random.default_rng([seed, number]))
    halves = [_halves(*of_set) for of_set in found.sets]
    evidence = Members(found.families, found.parameters, halves[0], halves[1:])
    return resilience_of_members.verdict(evidence, PERMUTATIONS, number)


def on_ensembles(truth: Truth, members: int, samples: int, seed: int, number: int) -> Verdict:
    """1b on one study."""
    found, chosen = study(truth, members, samples, np.random.default_rng([seed, number])), ensembles(members)
    of_members = [Counts(_correct(*of_set).sum(1), samples) for of_set in found.sets]
    of_ensembles = [Counts(samples_right(*of_set, chosen, "average"), samples) for of_set in found.sets]
    shifted = [
        ShiftedSet(f"shifted {place}", of_members[place], of_ensembles[place], of_members[0], of_ensembles[0])
        for place in range(1, len(found.sets))
    ]
    return resilience_of_ensembles.verdict(found.families, chosen, shifted)


def on_diversities(truth: Truth, members: int, samples: int, seed: int, number: int, unrelated: bool) -> Verdict:
    """2 on one study: the disagreement on two times ATTRIBUTED images, or of other members in place of the first."""
    generator = np.random.default_rng([seed, number])
    found, others, chosen = study(truth, members, samples, generator), None, ensembles(members)
    others = study(truth, members, samples, generator) if unrelated else found
    datasets = []
    for place, (probabilities, labels) in enumerate(found.sets):
        right = [samples_right(probabilities[:, half::2], labels[half::2], chosen, "average") for half in (0, 1)]
        accuracies = np.stack(right) * 200 / samples
        first = _disagreement(others.sets[place][0][:, :ATTRIBUTED])
        second = _disagreement(probabilities[:, ATTRIBUTED : 2 * ATTRIBUTED])
        datasets.append(Diversities(f"{place}", first, second, accuracies))
    return attribution_diversity.verdict(chosen, datasets)


def ensembles(members: int) -> np.ndarray:
    """All, or LARGEST of each size."""
    every = subsets(members, "all", 0, 0)
    generator, size = np.random.default_rng(0), every.sum(1)
    rows = [np.flatnonzero(size == one) for one in np.unique(size)]
    kept = [np.sort(generator.choice(of_size, min(len(of_size), LARGEST), replace=False)) for of_size in rows]
    return every[np.concatenate(kept)]


def _correct(probabilities: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    return (probabilities.argmax(2) == labels).numpy()


def _halves(probabilities: torch.Tensor, labels: torch.Tensor) -> tuple[Counts, Counts]:
    correct = _correct(probabilities, labels)
    even, odd = (Counts(correct[:, half::2].sum(1), correct[:, half::2].shape[1]) for half in (0, 1))
    return even, odd


def _disagreement(probabilities: torch.Tensor) -> np.ndarray:
    """On the even and on the odd samples, [2, M, M]."""
    classes = probabilities.argmax(2)
    differ = (classes[:, None] != classes[None]).double()
    return np.stack([differ[:, :, half::2].mean(2).numpy() for half in (0, 1)])


NOTHING = Truth()
STUDIES: tuple[tuple[str, str, Callable[[int, int, int], Verdict]], ...] = (
    ("1a", "resilience depends on chance only", lambda m, s, n: on_members(NOTHING, m, 1000, s, n)),
    ("1a", "on family", lambda m, s, n: on_members(Truth(family=0.3), m, 1000, s, n)),
    ("1a", "on size", lambda m, s, n: on_members(Truth(size=0.3), m, 1000, s, n)),
    ("1a", "on skill", lambda m, s, n: on_members(Truth(skill=1.5), m, 1000, s, n)),
    ("1b", "families are labels, 1000 images", lambda m, s, n: on_ensembles(NOTHING, m, 1000, s, n)),
    ("1b", "families are labels, 10 000 images", lambda m, s, n: on_ensembles(NOTHING, m, 10_000, s, n)),
    ("1b", "families err together, 1000 images", lambda m, s, n: on_ensembles(Truth(shared=SHARED), m, 1000, s, n)),
    ("2", "equal correlations", lambda m, s, n: on_diversities(NOTHING, m, 1000, s, n, False)),
    ("2", "the first diversity is unrelated", lambda m, s, n: on_diversities(NOTHING, m, 1000, s, n, True)),
)
MEMBERS = (12, 15)
TITLES = ("observation", "simulated members", "members", "studies", "estimate, mean ± SD")
TITLES += ("supported", "contradicted", "undecided")
HEADER = f"| {' | '.join(TITLES)} |\n{'|---' * len(TITLES)}|"


def table_row(number: str, name: str, members: int, verdicts: list[Verdict]) -> str:
    """A row of the table in Markdown."""
    counts = Counter(verdict.verdict for verdict in verdicts)
    values = np.array([verdict.deciding.value for verdict in verdicts])
    shares = " | ".join(f"{counts[each] / len(verdicts):.1%}" for each in (SUPPORTED, CONTRADICTED, UNDECIDED))
    estimates = f"{np.nanmean(values):+.2f} ± {np.nanstd(values):.2f}"
    text = f"| {number} | {name} | {members} | {len(verdicts)} | {estimates} | {shares} |"
    return text.replace("-", "−").replace("%", " %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("studies", 200), ("seed", 0)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--members", type=int, nargs="+", default=MEMBERS)
    arguments = parser.parse_args()
    print(HEADER)
    for number, name, simulate in STUDIES:
        for members in arguments.members:
            studies = arguments.studies if "10 000" not in name else -(-arguments.studies // 5)
            verdicts = [simulate(members, arguments.seed, place) for place in range(studies)]
            print(table_row(number, name, members, verdicts), flush=True)
