"""Intervals over images, and differences between effects, on simulated members whose truth is known.

python -m tests.simulations.images [--studies 200] [--seed 0]

Three questions, of the effect on accuracy (one validation set, averaging):

- "images": the members stay the same, and every study has other images. How often does the interval over images contain
  the mean effect of these members over all such studies? And the interval over members, which is not made for this?
- "both": every study has other members and other images. How often does the interval over both, and how often does that
  over members alone, contain the mean effect over all such studies?
- "difference": two diversities that are related to nothing, which have no effect. How often does their difference have
  p < .05?
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.image_groups import kept_in_groups
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.inference.predictions import Predictions
from scripts.lib.measures.pairwise import pairwise_sums, values, values_without_groups
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES
from scripts.lib.statistics.effect_differences import differences_of
from scripts.lib.statistics.effects import effects_of, estimates
from scripts.lib.statistics.split_evidence import SplitEvidence
from scripts.lib.statistics.without_images import without_images
from tests.simulations.members import (
    CPU,
    DISAGREEMENT,
    EASE,
    FAMILY,
    SKILL,
    UNRELATED,
    Members,
    Truth,
    draw_members,
    labels_and_logits,
)

OTHERS = ("", " (second)")  # two diversities of members that are not in the study
LIMIT = 0.05


@dataclass(frozen=True)
class Case:
    """Studies of so many members and images."""

    truth: Truth
    members: int
    samples: int

    @property
    def label(self) -> str:
        return f"{self.truth.name} | {self.members} | {self.samples}"


CASES = [
    Case(truth, members, samples)
    for members, samples in [(8, 200), (8, 1000), (15, 1000), (8, 10_000)]
    for truth in (SKILL, FAMILY)
]


def study(
    members: Members, others: list[Members], chosen: np.ndarray, samples: int, generator: np.random.Generator
) -> SplitEvidence:
    """One validation set with other images, as the workflow has it."""
    labels, logits = labels_and_logits(members, samples, EASE, generator)
    predictions = Predictions("simulated", [""] * len(logits), [""] * samples, list(logits))
    kept = kept_in_groups(chosen, [], 0)
    counted = count_samples(predictions, labels, range(samples), Question(chosen, ["average"], kept.rows), CPU)
    sources = {DISAGREEMENT: (labels, logits)}
    sources |= {
        UNRELATED + suffix: labels_and_logits(each, samples, EASE, generator)
        for suffix, each in zip(OTHERS, others, strict=True)
    }
    halves, groups = {}, {}
    for name, (true, of_members) in sources.items():
        halves[name], groups[name] = _disagreement(true, of_members)
    evidence = SplitEvidence(
        np.stack([100 * half.joint.diagonal() / half.samples for half in counted.halves]),
        np.stack([half.of_members.confidence(half.joint.diagonal()) / half.samples for half in counted.halves]),
        {"average": np.stack([100 * half.right["average"] / half.samples for half in counted.halves])},
        halves,
    )
    return replace(evidence, without_images=without_images(counted.groups, chosen, kept, groups, evidence))


def _disagreement(labels: torch.Tensor, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """On both halves [2, M, M], and without each group of images [2, G, M, M]."""
    measure, samples = MEASURES[DISAGREEMENT], range(len(labels))
    sums = pairwise_sums(measure, Recorded(list(logits), labels), samples, CPU, "simulated")
    columns = values(measure, sums)
    return np.stack([columns["value_even"], columns["value_odd"]]), values_without_groups(measure, sums).numpy()


def results(case: Case, studies: int, seed: int, same_members: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Effects and differences of all studies."""
    chosen, effects, differences = subsets(case.members, "all", 0, 0), [], []
    for number in range(studies):
        of_members = np.random.default_rng([seed, 0 if same_members else number])
        members, *others = (draw_members(case.truth, case.members, of_members) for _ in range(3))
        evidence = study(members, others, chosen, case.samples, np.random.default_rng([seed, 1, number]))
        found = list(estimates([("simulated", evidence)], chosen, 9, seed))
        effects.append(effects_of(found))
        differences.append(differences_of(found))
    return pl.concat(effects), pl.concat(differences)


def covered(effects: pl.DataFrame, columns: str) -> float:
    """The share of the studies whose interval contains the mean effect."""
    mean = effects["per_sd"].mean()
    inside = (effects[f"{columns}_low"] <= mean) & (effects[f"{columns}_high"] >= mean)
    return float(inside.fill_null(False).to_numpy().mean())


def width(effects: pl.DataFrame, columns: str) -> float:
    return float((effects[f"{columns}_high"] - effects[f"{columns}_low"]).median() or np.nan)


HEADER = (
    "| members | number | images | varies | effect, mean ± SD | interval over members | over images | over both | "
    "width over members | over images | over both | difference of two unrelated diversities: p < .05 |"
)


def rows(studies: int, seed: int) -> Iterator[str]:
    """The rows of the table in Markdown."""
    for case in CASES:
        for same_members, title in ((True, "images"), (False, "members and images")):
            effects, differences = results(case, studies, seed, same_members)
            effects = effects.filter(measure=DISAGREEMENT)
            unrelated = differences.filter(measure=UNRELATED, other=UNRELATED + OTHERS[1])
            names = ("per_sd", "images", "both")
            shares = " | ".join(f"{100 * covered(effects, name):.1f} %" for name in names)
            widths = " | ".join(f"{width(effects, name):.2f}" for name in names)
            small = float((unrelated["p_value"] < LIMIT).fill_null(False).to_numpy().mean())
            mean = f"{effects['per_sd'].mean():+.2f} ± {effects['per_sd'].std():.2f}"
            yield f"| {case.label} | {title} | {mean} | {shares} | {widths} | {100 * small:.1f} % |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(HEADER, "|---" * 12 + "|", sep="\n")
    for row in rows(arguments.studies, arguments.seed):
        print(row, flush=True)


if __name__ == "__main__":
    main()
