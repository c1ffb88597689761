"""What effects on the negative log-likelihood say of simulated members whose confidence differs, too.

    python -m tests.simulations.effects_on_nll [--studies 60] [--members 8] [--samples 1000] [--seed 0]

prints the table of docs/statistics.md, section "The outcome nll". Members are those of `simulations.members`, but the
logits of each are multiplied by a factor of its own, exp(0.5 z) with a normal z, and by 1 or 2.5 in common ("calibrated
on average", "overconfident"). So members of one accuracy have different NLL. Ensembles average.

"NLL" holds only the members' NLL fixed; "NLL and confidence" is what the workflow does.
"""

import argparse
from dataclasses import replace

import numpy as np
import polars as pl

from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.inference.predictions import Predictions
from scripts.lib.measures.spec import MEASURES
from scripts.lib.statistics.effects import effects_table
from scripts.lib.statistics.split_evidence import Outcome, SplitEvidence, nll_outcome
from tests.simulations.members import (
    CPU,
    DISAGREEMENT,
    EASE,
    FAMILY,
    PERMUTATIONS,
    SKILL,
    Truth,
    diversity_of,
    draw_members,
    labels_and_logits,
)

SPREAD = 0.5
CONFIDENCES = {"calibrated on average": 1.0, "overconfident": 2.5}
MEASURED = (DISAGREEMENT, "js_divergence")
LIMIT = 0.05


def evidence(
    truth: Truth, confidence: float, chosen: np.ndarray, samples: int, generator: np.random.Generator
) -> SplitEvidence:
    """One study, with the outcome as the workflow has it; `chosen` bool [E, M] are the ensembles."""
    count = chosen.shape[1]
    members = draw_members(truth, count, generator)
    labels, logits = labels_and_logits(members, samples, EASE, generator)
    factors = confidence * np.exp(SPREAD * generator.standard_normal(count))
    logits = (logits * factors[:, None, None]).astype(np.float32)
    predictions = Predictions("simulated", [str(place) for place in range(count)], [""] * samples, list(logits))
    halves = count_samples(predictions, labels, range(samples), Question(chosen, ["average"]), CPU).halves
    accuracies = np.stack([100 * half.joint.diagonal() / half.samples for half in halves])
    confidences = np.stack([half.of_members.confidence(half.joint.diagonal()) / half.samples for half in halves])
    of_members = np.stack([half.of_members.nll / half.samples for half in halves])
    of_ensembles = np.stack([half.nll / half.samples for half in halves])
    diversities = {MEASURES[name].diversity: diversity_of(name, labels, logits)[1:] for name in MEASURED}
    outcomes = {"average": np.stack([100 * half.right["average"] / half.samples for half in halves])}
    scores = [nll_outcome(of_members, confidences, {"average": of_ensembles})]
    return SplitEvidence(accuracies, confidences, outcomes, diversities, scores=scores)


def with_nll_fixed(study: SplitEvidence) -> SplitEvidence:
    """The same study with only the members' NLL held fixed."""
    [both] = study.scores
    return replace(study, scores=[Outcome(both.name, both.values, both.held_fixed[:, :1])])


def rows(
    truth: Truth, confidence: float, studies: int, seed: int, members: int = 8, samples: int = 1000
) -> dict[str, pl.DataFrame]:
    """The effects on NLL of all studies, by what is held fixed."""
    chosen, found = subsets(members, "all", 0, 0), {"NLL": [], "NLL and confidence": []}  # type: ignore[var-annotated]
    for number in range(studies):
        study = evidence(truth, confidence, chosen, samples, np.random.default_rng([seed, number]))
        for fixed, each in (("NLL", with_nll_fixed(study)), ("NLL and confidence", study)):
            table = effects_table([("simulated", each)], chosen, PERMUTATIONS, seed + number)
            found[fixed].append(table.filter(outcome="nll"))
    return {fixed: pl.concat(tables) for fixed, tables in found.items()}


TITLES = ("members differ in", "confidence", "measure", "held fixed", "studies", "partial r, mean")
TITLES += ("p < .05", "reported as shown")
HEADER = f"| {' | '.join(TITLES)} |\n{'|---' * len(TITLES)}|"


def table_row(labels: tuple[str, ...], table: pl.DataFrame) -> str:
    """A row of the table in Markdown."""
    small, excludes = table["p_value"] < LIMIT, table["per_sd_low"] * table["per_sd_high"] > 0
    shares = [float(flags.fill_null(False).to_numpy().mean()) for flags in (small, small & excludes)]
    cells = [*labels, str(len(table)), f"{table['partial'].mean():+.2f}", *(f"{share:.0%}" for share in shares)]
    return f"| {' | '.join(cells)} |".replace("-", "−").replace("%", " %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("studies", 60), ("members", 8), ("samples", 1000), ("seed", 0)):
        parser.add_argument(f"--{option}", type=int, default=default)
    arguments = parser.parse_args()
    print(HEADER)
    for truth in (SKILL, FAMILY):
        for name, confidence in CONFIDENCES.items():
            size = arguments.members, arguments.samples
            for fixed, table in rows(truth, confidence, arguments.studies, arguments.seed, *size).items():
                for measure in MEASURED:
                    print(table_row((truth.name, name, measure, fixed), table.filter(measure=measure)), flush=True)
