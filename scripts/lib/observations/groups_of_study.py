"""The groups of a study as arrays: what each way of training came to for each seed, on the halves of every set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.group_quantities import loss_in_words
from scripts.lib.jobs.shards import HALVES

FEWEST_SEEDS = 5
TOLERATED_COST = 0.1  # relative difference in operations and in training images


@dataclass(frozen=True)
class Way:
    """Groups that differ in their seed only.

    `loss` has the weights of its terms, `networks` the architecture of each member (as text), `families` theirs, and
    `settings` all that decides how they are trained, besides seed and loss. `macs` is the mean of the members, NaN if
    unknown, and `images` the number of training images (None: all) and of epochs. `groups` has the id of the group of
    each seed.
    """

    name: str
    loss: Mapping[str, float]
    networks: Sequence[str]
    settings: Sequence[str]
    families: Sequence[str | None]
    macs: float
    images: tuple[int | None, int]
    groups: Mapping[int, str]

    @property
    def title(self) -> str:
        """Name and weights, in words."""
        weights = loss_in_words(self.loss)
        return f"{self.name} ({weights})" if weights else self.name

    @property
    def is_independent(self) -> bool:
        return not any(self.loss.values())

    @property
    def of_one_architecture(self) -> bool:
        return len(set(self.networks)) == 1

    @property
    def of_different_families(self) -> bool:
        return None not in self.families and len(set(self.families)) == len(self.families)


def ways_of(
    groups: Sequence[Mapping[str, Any]], members: Mapping[str, Mapping[str, Any]], described: pl.DataFrame
) -> list[Way]:
    """The ways of a study's `groups`, in its order; `members` are its entries and `described` is `members.parquet`."""
    rows = {row["member"]: row for row in described.iter_rows(named=True)}
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for group in groups:
        found.setdefault((group["way"], loss_in_words(group["loss"])), []).append(group)
    return [_way(name, alike, members, rows) for (name, _), alike in found.items()]


def _way(
    name: str,
    groups: Sequence[Mapping[str, Any]],
    members: Mapping[str, Mapping[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
) -> Way:
    first = groups[0]
    macs = [rows[member]["macs"] for member in first["members"]]
    return Way(
        name,
        first["loss"],
        [str(members[member]["architecture"]) for member in first["members"]],
        [_settings(members[member]) for member in first["members"]],
        [rows[member]["family"] for member in first["members"]],
        float(np.mean([np.nan if value is None else value for value in macs])),
        (first["training_images"], first["epochs"]),
        {group["seed"]: group["id"] for group in groups},
    )


def _settings(member: Mapping[str, Any]) -> str:
    return str({key: value for key, value in sorted(member.items()) if key not in ("id", "group", "seed")})


def common_seeds(ways: Sequence[Way]) -> list[int]:
    """The seeds of which every way has a group."""
    return sorted(set.intersection(*(set(way.groups) for way in ways))) if ways else []


def with_common_seeds(needed: Sequence[Way], others: Sequence[Way]) -> list[Way]:
    """Those of `others`, in their order, that have FEWEST_SEEDS seeds in common with all of `needed` and each other.

    One with more seeds in common with `needed` is taken before one with fewer.
    """
    kept: list[Way] = []
    for way in sorted(others, key=lambda way: -len(common_seeds([*needed, way]))):
        if len(common_seeds([*needed, *kept, way])) >= FEWEST_SEEDS:
            kept.append(way)
    return [way for way in others if way in kept]


class Results:
    """The values of `group_results/{dataset}.parquet` of all validation sets, of which the first one is clean."""

    def __init__(self, tables: Sequence[pl.DataFrame], datasets: Sequence[str]) -> None:
        self.datasets = datasets
        columns = ["group", "dataset", "quantity", "samples", "value"]
        rows = (row for table in tables for row in table.select(columns).iter_rows())
        self.value = {(group, dataset, quantity, half): value for group, dataset, quantity, half, value in rows}

    def of(self, way: Way, seeds: Sequence[int], quantity: str) -> np.ndarray:
        """Float64 [S, D, 2]: of each seed and set, on the even and on the odd samples; NaN where there is none."""
        return np.array(
            [
                [
                    [self.value.get((way.groups[seed], dataset, quantity, half), np.nan) for half in HALVES]
                    for dataset in self.datasets
                ]
                for seed in seeds
            ],
            dtype=np.float64,
        ).reshape(len(seeds), len(self.datasets), 2)

    def has(self, quantity: str) -> bool:
        """Whether some group has this quantity."""
        return any(key[2] == quantity for key in self.value)


def of_other_seeds(values: np.ndarray) -> np.ndarray:
    """Means over the other seeds, of values [S, ...]: what is known about a seed without looking at it."""
    return np.asarray((values.sum(0) - values) / (len(values) - 1))


def equal_cost(first: Way, second: Way) -> bool:
    """Whether operations differ by at most a tenth, and training images and epochs do not."""
    return first.images == second.images and abs(first.macs - second.macs) <= TOLERATED_COST * first.macs
