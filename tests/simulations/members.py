"""Simulated members whose truth is known, for benchmarks/statistics.py and the tests of the statistics.

The logits of a member are noise, plus the ease of the sample (2 ± 1.5, the same for all members) times the skill of the
member for the right class; there are 10 classes. Predictions are counted and compared by the library's own functions.

- "nothing but skill": all noise is independent, so members differ only in how accurate they are, and whatever their
  diversity says about an ensemble, their accuracies say too. There is no effect beyond accuracy. Skills are drawn from
  0.4 to 1.1, from 0.1 to 1.6 ("wide"), or from 0.4 to 1.1 with a quarter of the members near 0 ("broken members").
- "families": each member belongs to one of three families, which share 60 % (in "weak families" 20 %) of the variance
  of their noise. Members of one family err together, so here diversity has an effect beyond accuracy.

In every study, one more diversity is related to nothing: the disagreement of as many other members of the same kind,
which are not in the study, on other images (`UNRELATED`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.counts import samples_right
from scripts.lib.ensembles.subsets import mean_of_members
from scripts.lib.ensembles.tables import lists_of_members
from scripts.lib.inference.predictions import probabilities
from scripts.lib.measures.pairwise import pairwise_sums, values
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES
from scripts.lib.statistics.evidence import Evidence
from scripts.lib.statistics.split_evidence import SplitEvidence

CLASSES, FAMILIES, SHARED = 10, 3, 0.6
PERMUTATIONS = 999
EASE = 2.0
SHIFT = 0.3  # how much harder each further validation set is
CPU = torch.device("cpu")
UNRELATED = "disagreement of other members"
DISAGREEMENT = "disagreement"


@dataclass(frozen=True)
class Truth:
    """What is true of a kind of study.

    The range of skills, which share of the members is near 0, and which share of the variance of their noise the
    members of one family share; 0 means that there are no families.
    """

    name: str
    skills: tuple[float, float] = (0.4, 1.1)
    broken: float = 0.0
    shared: float = 0.0


SKILL = Truth("nothing but skill")
WIDE = Truth("nothing but skill, wide", skills=(0.1, 1.6))
BROKEN = Truth("nothing but skill, broken members", broken=0.25)
FAMILY = Truth("families", shared=SHARED)
WEAK = Truth("weak families", shared=0.2)
TRUTHS = (SKILL, WIDE, BROKEN, FAMILY, WEAK)


@dataclass(frozen=True)
class Study:
    """One validation set of a simulated study, as the effects and as the plain correlations get it."""

    halves: SplitEvidence
    whole: Evidence


@dataclass(frozen=True)
class Members:
    """Simulated members: skill [M] and family [M] of each, and the share of the noise that a family shares."""

    skill: np.ndarray
    family: np.ndarray
    shared: float


def simulated_study(
    truth: Truth,
    chosen: np.ndarray,
    samples: int,
    generator: np.random.Generator,
    sets: int = 1,
    measures: Sequence[str] = (DISAGREEMENT,),
    consensus: Sequence[str] = ("average",),
) -> list[Study]:
    """The validation sets of one study, from logits to diversities and accuracies in halves.

    `chosen` bool [E, M] are the ensembles; `samples` (of each set) must be even, so that both halves count alike.
    """
    assert samples % 2 == 0, samples
    members, others = (draw_members(truth, chosen.shape[1], generator) for _ in range(2))
    return [
        _validation_set(members, others, chosen, samples, EASE - SHIFT * number, generator, measures, consensus)
        for number in range(sets)
    ]


def draw_members(truth: Truth, count: int, generator: np.random.Generator) -> Members:
    """`count` members of this kind."""
    skill = generator.uniform(*truth.skills, count)
    if truth.broken:
        skill[generator.permutation(count)[: int(truth.broken * count)]] /= 10
    return Members(skill, generator.integers(0, FAMILIES, count), truth.shared)


def _validation_set(
    members: Members,
    others: Members,
    chosen: np.ndarray,
    samples: int,
    ease: float,
    generator: np.random.Generator,
    measures: Sequence[str],
    consensus: Sequence[str],
) -> Study:
    labels, logits = labels_and_logits(members, samples, ease, generator)
    diversities = {MEASURES[name].diversity: diversity_of(name, labels, logits) for name in measures}
    diversities[UNRELATED] = diversity_of(DISAGREEMENT, *labels_and_logits(others, samples, ease, generator))
    scores = probabilities(list(logits), torch.float64)
    correct = scores.argmax(2) == labels
    accuracies = np.stack([100 * correct[:, half::2].double().mean(1).numpy() for half in (0, 1)])
    confidences = np.stack([scores[:, half::2].amax(2).mean(1).numpy() for half in (0, 1)])
    outcomes = {
        way: np.stack(
            [200 / samples * samples_right(scores[:, half::2], labels[half::2], chosen, way) for half in (0, 1)]
        )
        for way in consensus
    }
    halves = SplitEvidence(
        accuracies, confidences, outcomes, {name: columns[1:] for name, columns in diversities.items()}
    )
    whole = {name: columns[0] for name, columns in diversities.items()}
    return Study(halves, Evidence(_ensembles(chosen, accuracies, outcomes), accuracies.mean(0), whole))


def labels_and_logits(
    members: Members, samples: int, ease: float, generator: np.random.Generator
) -> tuple[torch.Tensor, np.ndarray]:
    """Labels int64 [N] and logits float32 [M, N, C]; `ease` is the mean ease of the samples."""
    labels, of_samples = generator.integers(0, CLASSES, samples), generator.normal(ease, 1.5, samples)
    logits = generator.standard_normal((len(members.skill), samples, CLASSES))
    if members.shared:
        common = generator.standard_normal((FAMILIES, samples, CLASSES))
        logits = np.sqrt(1 - members.shared) * logits + np.sqrt(members.shared) * common[members.family]
    logits[:, np.arange(samples), labels] += of_samples * members.skill[:, None]
    return torch.from_numpy(labels), logits.astype(np.float32)


def diversity_of(name: str, labels: torch.Tensor, logits: np.ndarray) -> np.ndarray:
    """On all samples, the even and the odd ones, float64 [3, M, M]; more means more diverse."""
    measure, recorded = MEASURES[name], Recorded(list(logits), labels)
    columns = values(measure, pairwise_sums(measure, recorded, range(len(labels)), CPU, "simulated"))
    return measure.as_diversity(np.stack([column.numpy() for column in columns.values()]))


def _ensembles(chosen: np.ndarray, accuracies: np.ndarray, outcomes: dict[str, np.ndarray]) -> pl.DataFrame:
    """As plain correlations need it: the improvement over the mean member on all samples."""
    mean = mean_of_members(chosen, accuracies.mean(0))
    tables = [
        pl.DataFrame({"consensus": way, "improvement_over_mean": values.mean(0) - mean}).with_columns(
            members=lists_of_members(chosen)
        )
        for way, values in outcomes.items()
    ]
    return pl.concat(tables)
