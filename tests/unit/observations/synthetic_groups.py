"""Ways of training with known accuracies and diversities, as the verdicts read them."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from scripts.lib.ensembles.group_quantities import loss_in_words
from scripts.lib.observations.groups_of_study import Results, Way

DATASETS = ("clean", "noise", "blur")
ENSEMBLES = "ensemble_accuracy_average"
DIVERSITIES = ("disagreement", "attribution_dissimilarity", "unbiased_activation_dissimilarity")


def a_way(
    name: str,
    loss: Mapping[str, float],
    seeds: int = 5,
    architectures: Sequence[str] = ("net",) * 4,
    macs: float = 100.0,
) -> Way:
    groups = {seed: f"{name}-{loss_in_words(loss)}-s{seed}" for seed in range(seeds)}
    return Way(name, loss, architectures, architectures, architectures, macs, (100, 3), groups)


Values = Sequence[tuple[Way, Mapping[str, float]]]


def results(values: Values, noise: float = 0.0, seed: int = 0) -> Results:
    """Of each way and quantity the same value on every set, and for each seed and half some noise."""
    random, rows = np.random.default_rng(seed), []
    for way, quantities in values:
        for quantity, value in quantities.items():
            for group in way.groups.values():
                for dataset in DATASETS:
                    for half in ("even", "odd"):
                        rows.append((group, dataset, quantity, half, value + noise * random.normal()))
    columns = ["group", "dataset", "quantity", "samples", "value"]
    return Results([pl.DataFrame(rows, schema=columns, orient="row")], DATASETS)
