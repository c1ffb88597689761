"""Diversity that is measured on the clean set, and the accuracy of ensembles on shifted sets.

Whoever chooses an ensemble before the shift knows only the clean set. These effects are computed as those of `effects`,
but the diversity is that of the clean set, the first one. What is held fixed of the members is one of two things:

- their accuracies and confidences on the shifted set, as in `effects`. Then only the set on which the diversity is
  measured differs, so the two effects can be compared: does diversity on clean images say the same as diversity under
  the shift?
- those on the clean set, which are all that is known before the shift: does diversity say more about the ensemble under
  the shift than these do? An effect can also come about because diverse members are the more robust ones; holding the
  accuracies on the shifted set fixed takes that away. Accuracies and confidences are those on all clean samples: with
  one half of them, chance hides a part of what they say, and the diversity, which follows them and comes from the other
  half, would say it instead.

Diversity and accuracies still come from different halves of the samples. Sample i of a corrupted set is a copy of
sample i of the clean one, so these are different images also across the sets.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from scripts.lib.statistics.effects import SCHEMA as EFFECTS
from scripts.lib.statistics.effects import effects_table
from scripts.lib.statistics.split_evidence import SplitEvidence

Datasets = Iterator[tuple[str, SplitEvidence]]
SCHEMA = {"dataset": pl.String, "measured_on": pl.String, "adjusted_on": pl.String, **EFFECTS}


def effects_from_clean(read: Callable[[], Datasets], chosen: np.ndarray, permutations: int, seed: int) -> pl.DataFrame:
    """The rows of `effects_table` of each shifted set, once with what is held fixed from each of the two sets.

    `read` returns the evidence of all datasets, the clean one first; the outcome is the accuracy. `measured_on` names
    the clean set, `adjusted_on` the dataset of what is held fixed. The rows with one and with the other are two
    questions, so `q_value` is over all rows of one of them.
    """
    tables = []
    for on_clean in (False, True):
        datasets = read()
        clean, first = next(datasets)
        table = effects_table(_with_diversities_of(first, datasets, on_clean), chosen, permutations, seed)
        adjusted = pl.lit(clean) if on_clean else pl.col("dataset")
        tables.append(table.with_columns(measured_on=pl.lit(clean), adjusted_on=adjusted))
    return pl.concat(tables).select(*SCHEMA)


def _with_diversities_of(first: SplitEvidence, datasets: Datasets, and_members: bool) -> Datasets:
    """The datasets with the diversities of the `first` one, and perhaps also with what is held fixed of its members."""
    for dataset, evidence in datasets:
        moved = _moved(first, evidence, and_members)
        if first.without_images and evidence.without_images:
            pairs = zip(first.without_images.evidence, evidence.without_images.evidence, strict=True)
            fewer = [_moved(clean, shifted, and_members) for clean, shifted in pairs]
            moved = replace(moved, without_images=replace(evidence.without_images, evidence=fewer))
        yield dataset, moved


def _moved(first: SplitEvidence, evidence: SplitEvidence, and_members: bool) -> SplitEvidence:
    moved = replace(evidence, diversities=first.diversities, scores=[])
    accuracies, confidences = (np.tile(of.mean(0), (2, 1)) for of in (first.accuracies, first.confidences))
    return replace(moved, accuracies=accuracies, confidences=confidences) if and_members else moved
