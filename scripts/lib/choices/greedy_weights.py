"""Weights by greedy selection with replacement (Caruana, Niculescu-Mizil, Crew & Ksikes 2004)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scripts.lib.jobs.randomness import derive

# Takes how often each member was picked, int64 [M]; returns the loss float64 [M] after one more pick of each.
Additions = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class GreedySettings:
    """The study's section `deployment.greedy_weights`: see docs/config.md."""

    picks: int = 50
    start: int = 5
    bags: int = 1
    bag_share: float = 0.5


def greedy_weights(additions: Additions, members: int, settings: GreedySettings, seed: int) -> np.ndarray:
    """Weights float64 [M] that sum to 1: how often each member was picked.

    With several bags, each picks among a random share of the members, and the weights are the mean over the bags.
    """
    generator = np.random.default_rng(derive(seed, "bags", members))
    count, weights = max(1, round(settings.bag_share * members)), np.zeros(members)
    for _ in range(settings.bags):
        everyone = np.arange(members)
        among = everyone if settings.bags == 1 else np.sort(generator.choice(everyone, count, replace=False))
        picked, losses = greedy_picks(additions, members, among, settings.picks, settings.start)
        counts = np.bincount(picked[: best_prefix(losses)], minlength=members)
        weights += counts / counts.sum()
    return weights / settings.bags


def greedy_picks(
    additions: Additions, members: int, among: Sequence[int] | np.ndarray, picks: int, start: int
) -> tuple[list[int], list[float]]:
    """The members in the order in which they are picked, and the loss after each pick.

    The first `start` picks are the best single members (sorted initialisation), the others those that leave the
    smallest loss; a member can be picked again. Of equally good members, the first one in the study is taken.
    """
    among = np.asarray(among)
    counts = np.zeros(members, np.int64)
    best_first = among[np.argsort(additions(counts)[among], kind="stable")]
    picked: list[int] = []
    losses: list[float] = []
    for step in range(picks):
        after = additions(counts)
        member = int(best_first[step] if step < min(start, len(among)) else among[after[among].argmin()])
        counts[member] += 1
        picked.append(member)
        losses.append(float(after[member]))
    return picked, losses


def best_prefix(losses: Sequence[float]) -> int:
    """After how many picks the loss is smallest; of equal ones, the fewest."""
    return int(np.argmin(losses)) + 1
