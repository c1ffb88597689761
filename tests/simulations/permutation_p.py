"""What the permutation p-value says of simulated studies whose truth is known.

    python -m tests.simulations.permutation_p [--studies 100] [--seed 0] [--most 30]

prints the table of docs/statistics.md (about two minutes on one core). Each study has one
validation set and four measures, and goes through `correlations_table` as a real study does. For each pair of members,

    diversity = √½ · accuracy part + √½ · own part
    gain      = ±√|v| · accuracy part + √(1 − |v|) · (ρ · own part of the first measure + √(1 − ρ²) · noise)

The accuracy part follows the accuracy of both members: the more accurate, the smaller. All parts have mean 0 and
variance 1. v, with the sign of ±, is how much of the gain comes with accuracy; ρ is the effect of the first measure
beyond accuracy, which a study wants to know. An ensemble of k members is better than its mean member by
(1 − 1/k) · (2 + mean gain of its pairs), which is how averaging acts on a squared error.
"""

import argparse
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from scripts.lib.ensembles.subsets import mean_pairwise, subsets
from scripts.lib.statistics.correlations import correlations_table
from scripts.lib.statistics.evidence import Evidence

MEASURES = ("under test", "second", "third", "fourth")
PERMUTATIONS = 999
MOST = 30  # ensembles of one size; all 32 752 of fifteen members would take five times as long
LIMIT = 0.05


@dataclass(frozen=True)
class Truth:
    """What is true of a kind of study: `through_accuracy` is v and `effect` is ρ."""

    name: str
    through_accuracy: float = 0.0
    effect: float = 0.0


NOTHING = Truth("no relation at all")
ACCURACY_ONLY = Truth("through accuracy only", through_accuracy=0.5)
EFFECT = Truth("beyond accuracy only", effect=0.7)
EFFECT_AGAINST_ACCURACY = Truth("beyond accuracy, hidden by accuracy", through_accuracy=-0.5, effect=0.7)
TRUTHS = (NOTHING, ACCURACY_ONLY, EFFECT, EFFECT_AGAINST_ACCURACY)


def outcomes(truth: Truth, members: int, studies: int, seed: int = 0, most: int = MOST) -> pl.DataFrame:
    """Rows of `correlations.parquet`: the first measure, over all sizes, in each of so many studies."""
    rows = []
    for number in range(studies):
        evidence = simulated(truth, members, np.random.default_rng([seed, number]), most)
        table = correlations_table([("simulated", evidence)], PERMUTATIONS, seed + number)
        rows.append(table.filter(size="all", measure=MEASURES[0]))
    return pl.concat(rows)


def simulated(truth: Truth, members: int, generator: np.random.Generator, most: int) -> Evidence:
    """One study: members, their diversities, and what their ensembles gain."""
    standing = generator.normal(size=members)
    accuracy_part = -(standing[:, None] + standing) / np.sqrt(2)
    *own, noise = _symmetric(generator, len(MEASURES) + 1, members)
    beyond = truth.effect * own[0] + np.sqrt(1 - truth.effect**2) * noise
    share = abs(truth.through_accuracy)
    gain = np.sign(truth.through_accuracy) * np.sqrt(share) * accuracy_part + np.sqrt(1 - share) * beyond
    chosen = ensembles(members, most)
    size = chosen.sum(1)
    table = pl.DataFrame(
        {
            "members": pl.Series([np.flatnonzero(row).tolist() for row in chosen], dtype=pl.List(pl.UInt16)),
            "consensus": ["average"] * len(chosen),
            "improvement_over_mean": (1 - 1 / size) * (2 + mean_pairwise(chosen, gain)),
        }
    )
    diversities = {name: (accuracy_part + part) / np.sqrt(2) for name, part in zip(MEASURES, own, strict=True)}
    return Evidence(table, 80 + 5 * standing, diversities)


def _symmetric(generator: np.random.Generator, count: int, members: int) -> np.ndarray:
    """Symmetric matrices [count, M, M] of independent values of variance 1; nothing reads their diagonals."""
    values = generator.normal(size=(count, members, members))
    return (values + values.transpose(0, 2, 1)) / np.sqrt(2)


@cache
def ensembles(members: int, most: int) -> np.ndarray:
    """At most so many ensembles of each size from two on, bool [E, M], drawn once for all studies."""
    every = np.random.default_rng(0).permutation(subsets(members, "all", 0, 0))
    return np.concatenate([every[every.sum(1) == size][:most] for size in range(2, members + 1)])


def summary(rows: pl.DataFrame) -> dict[str, float]:
    """Mean r, mean and spread of the partial r, and the shares of studies below the limit or with such an interval."""
    without_zero = pl.col("ci_low") * pl.col("ci_high") > 0
    partial, small_q = pl.col("partial_pearson"), pl.col("q_value") < LIMIT
    return rows.select(
        r=pl.col("pearson").mean(),
        partial=partial.mean(),
        partial_spread=partial.std(),
        p=(pl.col("p_value") < LIMIT).mean(),
        q=small_q.mean(),
        interval=without_zero.mean(),
        both=(small_q & without_zero).mean(),
    ).row(0, named=True)


def table_row(truth: Truth, members: int, found: dict[str, float]) -> str:
    """A row of the table in Markdown."""
    coefficients = f"{found['r']:+.2f} | {found['partial']:+.2f} ± {found['partial_spread']:.2f}".replace("-", "−")
    shares = " | ".join(f"{found[name]:.0%}".replace("%", " %") for name in ("p", "q", "interval", "both"))
    return f"| {truth.name} | {members} | {truth.effect:.1f} | {coefficients} | {shares} |"


TITLES = ("diversity goes with gain", "members", "true ρ", "mean r", "partial r, mean ± SD")
TITLES += ("p < .05", "q < .05", "interval without 0", "both")
HEADER = f"| {' | '.join(TITLES)} |\n{'|---' * len(TITLES)}|"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("studies", 100), ("seed", 0), ("most", MOST)):
        parser.add_argument(f"--{name}", type=int, default=number)
    asked = vars(parser.parse_args())
    print(HEADER)
    for truth in TRUTHS:
        for members in (15, 6):
            print(table_row(truth, members, summary(outcomes(truth, members, **asked))), flush=True)
