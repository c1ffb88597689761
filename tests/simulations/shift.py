"""What effects of the diversity on clean images say of simulated members under shift whose truth is known.

    python -m tests.simulations.shift [--studies 100] [--samples 1000] [--seed 0]

prints the table of docs/under-shift.md. Each study has a clean and a shifted set with the same labels and the same ease
of the samples; under shift, the skill of a member is smaller, and its noise is new. Otherwise the members are those of
`tests.simulations.members`.

- "nothing but skill": under shift, each member has 60 % of its skill. Nothing but accuracy differs.
- "own robustness": under shift, each member has between 30 and 100 % of its skill, independently of all else. So clean
  accuracies do not say how accurate members are under shift, but neither does their diversity.
- "families": members of a family share 60 % of the variance of their noise, on both sets.
- "families under shift": they do so under shift only; the diversity on clean images knows nothing of it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.inference.predictions import Predictions
from scripts.lib.measures.pairwise import pairwise_sums, values
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES
from scripts.lib.report.findings_diversity import LIMIT
from scripts.lib.statistics.effects_from_clean import effects_from_clean
from scripts.lib.statistics.split_evidence import SplitEvidence
from tests.simulations.members import CLASSES, CPU, FAMILIES, PERMUTATIONS, SHARED


@dataclass(frozen=True)
class Shift:
    """What is true of a kind of study: what is left of a member's skill, and on which sets families share noise."""

    name: str
    left: tuple[float, float] = (0.6, 0.6)
    families: tuple[bool, bool] = (False, False)


SKILL = Shift("nothing but skill")
ROBUSTNESS = Shift("own robustness", left=(0.3, 1.0))
FAMILY = Shift("families", families=(True, True))
HIDDEN = Shift("families under shift", families=(False, True))
SHIFTS = (SKILL, ROBUSTNESS, FAMILY, HIDDEN)
MEMBERS = (8, 15)


def outcomes(shift: Shift, members: int, studies: int, samples: int = 1000, seed: int = 0) -> pl.DataFrame:
    """The rows of `effects_from_clean.parquet` of each study; q is p, as each question has one row."""
    chosen, rows = subsets(members, "all", 0, 0), []
    for number in range(studies):
        datasets = simulated(shift, members, samples, chosen, np.random.default_rng([seed, number]))
        rows.append(effects_from_clean(lambda both=datasets: iter(both), chosen, PERMUTATIONS, seed + number))
    return pl.concat(rows)


def simulated(
    shift: Shift, members: int, samples: int, chosen: np.ndarray, generator: np.random.Generator
) -> list[tuple[str, SplitEvidence]]:
    """One study: the clean and the shifted set, from logits to halves of accuracies and disagreements."""
    labels, ease = generator.integers(0, CLASSES, samples), generator.normal(2, 1.5, samples)
    skill, family = generator.uniform(0.4, 1.1, members), generator.integers(0, FAMILIES, members)
    left = generator.uniform(*shift.left, members)
    found = []
    for name, own, families in zip(("clean", "shifted"), (skill, skill * left), shift.families, strict=True):
        logits = generator.standard_normal((members, samples, CLASSES))
        if families:
            shared = generator.standard_normal((FAMILIES, samples, CLASSES))
            logits = np.sqrt(1 - SHARED) * logits + np.sqrt(SHARED) * shared[family]
        logits[:, np.arange(samples), labels] += ease * own[:, None]
        found.append((name, _evidence(logits.astype(np.float32), torch.from_numpy(labels), chosen)))
    return found


def _evidence(logits: np.ndarray, labels: torch.Tensor, chosen: np.ndarray) -> SplitEvidence:
    samples, measure = range(len(labels)), MEASURES["disagreement"]
    predictions = Predictions("simulated", [""] * len(logits), [""] * len(labels), list(logits))
    halves = count_samples(predictions, labels, samples, Question(chosen, ["average"]), CPU).halves
    columns = values(measure, pairwise_sums(measure, Recorded(list(logits), labels), samples, CPU, "simulated"))
    return SplitEvidence(
        np.stack([100 * half.joint.diagonal() / half.samples for half in halves]),
        np.stack([half.of_members.confidence(half.joint.diagonal()) / half.samples for half in halves]),
        {"average": np.stack([100 * half.right["average"] / half.samples for half in halves])},
        {measure.diversity: np.stack([columns["value_even"], columns["value_odd"]])},
    )


def summary(rows: pl.DataFrame) -> dict[str, float]:
    """Mean and spread of the partial correlation, and shares of studies: below the limit, or an interval without 0."""
    partial, without_zero = rows["partial"].to_numpy(), rows["per_sd_low"] * rows["per_sd_high"] > 0
    shares = {"p": rows["p_value"] < LIMIT, "interval": without_zero, "shown": (rows["q_value"] < LIMIT) & without_zero}
    found = {name: float(flags.fill_null(False).to_numpy().mean()) for name, flags in shares.items()}
    return {"partial": float(partial.mean()), "spread": float(partial.std()), **found}


TITLES = ("members differ in", "members", "accuracies held fixed", "partial r, mean ± SD", "p < .05")
TITLES += ("interval excludes 0", "reported as shown")
HEADER = f"| {' | '.join(TITLES)} |\n{'|---' * len(TITLES)}|"


def rows(studies: int, samples: int, seed: int) -> Iterator[str]:
    """The rows of the table in Markdown, one kind of study and number of members after the other."""
    for shift in SHIFTS:
        for members in MEMBERS:
            table = outcomes(shift, members, studies, samples, seed)
            for held_fixed, dataset in (("under shift", "shifted"), ("clean", "clean")):
                found = summary(table.filter(adjusted_on=dataset))
                shares = " | ".join(f"{found[name]:.0%}" for name in ("p", "interval", "shown"))
                partial = f"{found['partial']:+.2f} ± {found['spread']:.2f}"
                text = f"| {shift.name} | {members} | {held_fixed} | {partial} | {shares} |"
                yield text.replace("-", "−").replace("%", " %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("studies", 100), ("samples", 1000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    print(HEADER)
    for row in rows(**vars(parser.parse_args())):
        print(row, flush=True)
