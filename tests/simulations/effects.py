"""What effects, their intervals and p-values say of simulated members whose truth is known.

    python -m tests.simulations.effects [--studies 100] [--samples 1000] [--seed 0]

prints the table of docs/architecture.md, section Statistics. Each study has one validation set of 10 classes. The
logits of a member are noise, plus the sample's ease (2 ± 1.5, the same for all members) times the member's skill for
the right class. Predictions are counted and compared by the library's own functions; the measure is the disagreement.

- "nothing but skill": all noise is independent, so members differ only in how accurate they are, and whatever their
  diversity says about an ensemble, their accuracies say too. There is no effect beyond accuracy. Skills are drawn from
  0.4 to 1.1, from 0.1 to 1.6 ("wide"), or from 0.4 to 1.1 with a quarter of the members near 0 ("broken members").
- "families": each member belongs to one of three families, which share 60 % of the variance of their noise. Members of
  one family err together, so here diversity has an effect beyond accuracy.

The column "if both came from the same images" is what the analysis would say if it took diversity and accuracy from the
same half of the samples.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.counts import tally_of_halves
from scripts.lib.ensembles.tables import subsets
from scripts.lib.inference.predictions import Predictions
from scripts.lib.measures.pairwise import pairwise_sums, values
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES
from scripts.lib.statistics.effects import effects_table
from scripts.lib.statistics.split_evidence import SplitEvidence

CLASSES, FAMILIES, SHARED = 10, 3, 0.6
PERMUTATIONS = 999
LIMIT = 0.05
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Truth:
    """What is true of a kind of study: the range of skills, how many members are near 0, and whether families exist."""

    name: str
    skills: tuple[float, float] = (0.4, 1.1)
    broken: float = 0.0
    families: bool = False


SKILL = Truth("nothing but skill")
WIDE = Truth("nothing but skill, wide", skills=(0.1, 1.6))
BROKEN = Truth("nothing but skill, broken members", broken=0.25)
FAMILY = Truth("families", families=True)
TRUTHS = (SKILL, WIDE, BROKEN, FAMILY)
MEMBERS = (6, 8, 15)


def outcomes(truth: Truth, members: int, studies: int, samples: int = 1000, seed: int = 0) -> pl.DataFrame:
    """The row of `effects.parquet` of each study, and `same_p_value`: p if both halves were the same images."""
    chosen, rows = subsets(members, "all", 0, 0), []
    for number in range(studies):
        evidence = simulated(truth, members, samples, chosen, np.random.default_rng([seed, number]))
        same = replace(evidence, diversities={name: both[::-1] for name, both in evidence.diversities.items()})
        found, of_same = (
            effects_table([("simulated", each)], chosen, PERMUTATIONS, seed + number) for each in (evidence, same)
        )
        rows.append(found.with_columns(same_p_value=of_same["p_value"]))
    return pl.concat(rows)


def simulated(
    truth: Truth, members: int, samples: int, chosen: np.ndarray, generator: np.random.Generator
) -> SplitEvidence:
    """One study: from logits to both halves of accuracies and disagreements."""
    labels, logits = _labels_and_logits(truth, members, samples, generator)
    predictions = Predictions("simulated", [str(member) for member in range(members)], [""] * samples, list(logits))
    halves = tally_of_halves(predictions, labels, range(samples), chosen, ["average"], CPU)
    measure = MEASURES["disagreement"]
    columns = values(measure, pairwise_sums(measure, Recorded(list(logits), labels), range(samples), CPU, "simulated"))
    return SplitEvidence(
        np.stack([100 * half.joint.diagonal() / half.samples for half in halves]),
        {"average": np.stack([100 * half.right["average"] / half.samples for half in halves])},
        {measure.diversity: np.stack([columns["value_even"], columns["value_odd"]])},
    )


def _labels_and_logits(
    truth: Truth, members: int, samples: int, generator: np.random.Generator
) -> tuple[torch.Tensor, np.ndarray]:
    labels, ease = generator.integers(0, CLASSES, samples), generator.normal(2, 1.5, samples)
    skill = generator.uniform(*truth.skills, members)
    skill[: int(truth.broken * members)] /= 10
    logits = generator.standard_normal((members, samples, CLASSES))
    if truth.families:
        shared = generator.standard_normal((FAMILIES, samples, CLASSES))
        logits = np.sqrt(1 - SHARED) * logits + np.sqrt(SHARED) * shared[generator.integers(0, FAMILIES, members)]
    logits[:, np.arange(samples), labels] += ease * skill[:, None]
    return torch.from_numpy(labels), logits.astype(np.float32)


def summary(rows: pl.DataFrame) -> dict[str, float]:
    """Mean and spread of the partial correlation, and shares of studies: below the limit, or an interval without 0."""
    partial, without_zero = rows["partial"].to_numpy(), rows["points_low"] * rows["points_high"] > 0
    return {
        "partial": float(partial.mean()),
        "spread": float(partial.std()),
        "same": _share(rows["same_p_value"] < LIMIT),
        "p": _share(rows["p_value"] < LIMIT),
        "interval": _share(without_zero),
        "shown": _share((rows["q_value"] < LIMIT) & without_zero),
    }


def _share(flags: pl.Series) -> float:
    """A flag that is missing, because its number is, counts as not set."""
    return float(flags.fill_null(False).to_numpy().mean())


TITLES = ("members differ in", "members", "partial r, mean ± SD", "p < .05 if both came from the same images")
TITLES += ("p < .05", "interval excludes 0", "reported as shown")
HEADER = f"| {' | '.join(TITLES)} |\n{'|---' * len(TITLES)}|"


def table_row(truth: Truth, members: int, found: dict[str, float]) -> str:
    """A row of the table in Markdown."""
    shares = " | ".join(f"{found[name]:.0%}" for name in ("same", "p", "interval", "shown"))
    text = f"| {truth.name} | {members} | {found['partial']:+.2f} ± {found['spread']:.2f} | {shares} |"
    return text.replace("-", "−").replace("%", " %")


def rows(studies: int, samples: int, seed: int) -> Iterator[str]:
    """The rows of the table, one truth and number of members after the other."""
    for truth in TRUTHS:
        for members in MEMBERS:
            yield table_row(truth, members, summary(outcomes(truth, members, studies, samples, seed)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("studies", 100), ("samples", 1000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    print(HEADER)
    for row in rows(**vars(parser.parse_args())):
        print(row, flush=True)
