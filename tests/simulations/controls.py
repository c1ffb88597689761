"""What else could be held fixed of the members: effects on accuracy of simulated members under other controls.

    python -m tests.simulations.controls "wide" 8 10000 --studies 60

prints a row for each set of controls of docs/statistics.md, section "Which controls". The truths "wide", "skill" and
"fam" are those of `simulations.members`; with "e" before the name, images are easier (ease 5 instead of 2); with "cal"
behind it, the logits of each member are multiplied by a factor of its own, exp(0.5 z) with a normal z.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.special import ndtri

from scripts.lib.ensembles.counts import samples_right
from scripts.lib.ensembles.subsets import subsets
from scripts.lib.inference.predictions import probabilities
from scripts.lib.measures.spec import MEASURES
from scripts.lib.statistics.adjusted import adjusted
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.jackknife import interval
from scripts.lib.statistics.permutations import permutation_p_values, random_orders
from scripts.lib.statistics.scatter import scatter_of
from scripts.lib.statistics.semi_partial import control_matrices, controls_of, permuted_partial, residuals
from tests.simulations.members import EASE, FAMILY, SKILL, WIDE, diversity_of, draw_members, labels_and_logits

TRUTHS = {"skill": SKILL, "wide": WIDE, "fam": FAMILY}
EASIER, SPREAD, PERMUTATIONS, LIMIT = 5.0, 0.5, 399, 0.05
MEASURED = ("js_divergence", "disagreement")
Properties = dict[str, np.ndarray]  # of the members: accuracy, confidence, entropy and NLL, each [M]


def standard(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean()) / values.std())


def differences(values: np.ndarray) -> np.ndarray:
    """|a - b|, [1, M, M]."""
    return np.abs(standard(values)[:, None] - standard(values))[None]


def cubic(values: np.ndarray) -> np.ndarray:
    """The terms of the third degree, [2, M, M]."""
    first, second = standard(values)[:, None], standard(values)[None]
    return np.stack([first**3 + second**3, first**2 * second + first * second**2])


def four(values: np.ndarray) -> np.ndarray:
    """The functions that were held fixed before, [4, M, M]."""
    return np.concatenate([control_matrices(values), differences(values)])


def of_each_member(values: np.ndarray) -> np.ndarray:
    """Fixed effects of the members, [M, M, M], with |a - b| and ab."""
    single = np.eye(len(values))
    return np.concatenate([single[:, :, None] + single[:, None], differences(values), control_matrices(values)[2:]])


CONTROLS: dict[str, Callable[[Properties], np.ndarray]] = {
    "four functions of accuracy": lambda of: four(of["accuracy"]),
    "four functions of the probit of accuracy": lambda of: four(ndtri(of["accuracy"].clip(1e-3, 1 - 1e-3))),
    "four functions of the logarithm of the error": lambda of: four(-np.log(1 - of["accuracy"])),
    "five functions of accuracy, to the third degree": lambda of: np.concatenate(
        [control_matrices(of["accuracy"]), cubic(of["accuracy"])]
    ),
    "each member, and two functions of accuracy": lambda of: of_each_member(of["accuracy"]),
    "four functions each of accuracy and NLL": lambda of: np.concatenate([four(of["accuracy"]), four(of["nll"])]),
    "four functions each of accuracy and entropy": lambda of: np.concatenate(
        [four(of["accuracy"]), four(of["entropy"])]
    ),
    "three functions each of accuracy and confidence": lambda of: controls_of(
        np.stack([of["accuracy"], of["confidence"]])
    ),
}


def simulated(
    truth: str, chosen: np.ndarray, samples: int, generator: np.random.Generator
) -> tuple[list[Properties], np.ndarray, np.ndarray]:
    """One study: the members' properties in each half, accuracies of ensembles [2, E], and diversities [A, 2, M, M]."""
    easier, name = truth.startswith("e"), truth.removeprefix("e").removesuffix("cal")
    ease, count = EASIER if easier else EASE, chosen.shape[1]
    members, _ = (draw_members(TRUTHS[name], count, generator) for _ in range(2))  # the others were drawn, too
    labels, logits = labels_and_logits(members, samples, ease, generator)
    if truth.endswith("cal"):
        logits = (logits * np.exp(SPREAD * generator.standard_normal(count))[:, None, None]).astype(np.float32)
    scores = probabilities(list(logits), torch.float64)
    right = [samples_right(scores[:, half::2], labels[half::2], chosen, "average") for half in (0, 1)]
    diversities = np.stack([MEASURES[name].as_diversity(diversity_of(name, labels, logits)[1:]) for name in MEASURED])
    halves = [properties(scores[:, half::2], labels[half::2]) for half in (0, 1)]
    return halves, np.stack(right) * 200 / samples, diversities


def properties(scores: torch.Tensor, labels: torch.Tensor) -> Properties:
    """Of probabilities [M, N, C]."""
    true = scores[:, torch.arange(len(labels)), labels]
    found = {
        "accuracy": (scores.argmax(2) == labels).double().mean(1),
        "confidence": scores.amax(2).mean(1),
        "entropy": -torch.xlogy(scores, scores).sum(2).mean(1),
        "nll": -true.log().mean(1),
    }
    return {name: values.numpy() for name, values in found.items()}


def effects(
    controls: list[np.ndarray], outcomes: np.ndarray, diversities: np.ndarray, ensembles: Ensembles, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each measure: whether p is small, and whether the effect would be shown, bool [A] each."""
    orders, found = random_orders(controls[0].shape[1], PERMUTATIONS, seed), []
    for half in (0, 1):
        fixed, matrices, y = controls[1 - half], diversities[:, half], outcomes[1 - half][None]
        left = np.stack([residuals(matrix, fixed) for matrix in matrices])
        of = adjusted(scatter_of(ensembles, np.concatenate([fixed, matrices]), y), len(fixed))
        partial = of.partial(slice(len(matrices)), slice(len(matrices), None))
        per_sd = partial * of.deviations(slice(len(matrices), None))[:, None]
        found.append((partial, per_sd, permuted_partial(left, fixed, y, ensembles, orders)))
    partial, per_sd, permuted = (np.mean(values, axis=0) for values in zip(*found, strict=True))
    low, high = interval(per_sd[0], per_sd[1:])
    small = permutation_p_values(partial[0], permuted) < LIMIT
    return small[:, 0], (small & (low * high > 0) & (partial[0] * per_sd[0] > 0))[:, 0]


def rows(truth: str, members: int, samples: int, studies: int) -> Iterator[str]:
    """Rows of the table: shares of studies with a small p, and with an effect that would be shown, per measure."""
    every = subsets(members, "all", 0, 0)
    chosen = every[np.argsort(every.sum(1), kind="stable")]
    chosen, kind = chosen[chosen.sum(1) > 1], sum(map(ord, truth))
    ensembles, said = Ensembles(chosen), {name: [] for name in CONTROLS}  # type: ignore[var-annotated]
    for number in range(studies):
        generator = np.random.default_rng([7, members, samples, number, kind])
        halves, outcomes, diversities = simulated(truth, chosen, samples, generator)
        for name, controls in CONTROLS.items():
            fixed = [controls(half) for half in halves]
            said[name].append(effects(fixed, outcomes, diversities, ensembles, number))
    for name, found in said.items():
        shares = 100 * np.mean(found, axis=0)
        cells = [f"{small:.0f} % / {shown:.0f} %" for small, shown in shares.T]
        yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    parser.add_argument("members", type=int)
    parser.add_argument("samples", type=int)
    parser.add_argument("--studies", type=int, default=60)
    arguments = parser.parse_args()
    print("| held fixed | Jensen-Shannon divergence: p < .05 / shown | disagreement: p < .05 / shown |\n|---|---|---|")
    for row in rows(arguments.truth, arguments.members, arguments.samples, arguments.studies):
        print(row, flush=True)
