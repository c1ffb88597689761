"""From the files and settings of a study to what choices are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.choices.greedy_weights import GreedySettings
from scripts.lib.choices.names import ACCURACY, CALIBRATED, NLL
from scripts.lib.choices.tables import LabelledSet, Splits
from scripts.lib.choices.ways import Settings
from scripts.lib.ensembles.deployment import costs_of
from scripts.lib.inference.predictions import load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import load_array


def labelled_sets(inputs: Mapping[str, Any], datasets: Sequence[str], members: Sequence[str]) -> list[LabelledSet]:
    """The sets of a rule, whose inputs are lists in the order of the `datasets`.

    Raises StudyError for files that do not fit.
    """
    sets = []
    for place, dataset in enumerate(datasets):
        own = {
            name: inputs[name][place] for name in ("records", "arrays", "labels", "samples", "set_record", "classes")
        }
        files = RecordedFiles.declared(dataset, members, own)
        predictions = load_predictions(files)
        path = inputs["counted"][place]
        right = np.array(load_array(path), np.int64)
        if len(right) not in (0, 2 ** len(members) - 1):
            raise StudyError(
                f"{path} has {len(right)} numbers, not one for each ensemble of {len(members)} members. Delete it and "
                "run again."
            )
        sets.append(LabelledSet(predictions, load_labels(files.labels, predictions), right))
    return sets


def settings_of(deployment: Mapping[str, Any], described: pl.DataFrame, largest: int, seed: int) -> Settings:
    """From the study's section `deployment` and the table of members; `largest` is the size of a greedy ensemble."""
    described = described.sort("position")
    return Settings(
        metrics=deployment["metrics"] or [ACCURACY, NLL],
        ways=[way for way in deployment["ways"] if way != CALIBRATED],
        greedy=GreedySettings(**deployment["greedy_weights"]),
        largest=largest,
        seed=seed,
        budget=deployment["budget"],
        costs={**costs_of(described), "members": np.ones(len(described))},
    )


def splits_of(
    deployment: Mapping[str, Any], temperatures: pl.DataFrame, members: int, seed: int, device: torch.device
) -> Splits:
    """With the members' temperatures, if the study calibrates and each member has one.

    `temperatures` is `temperatures.parquet`, in which the members come first.
    """
    known = temperatures.filter(role="member")["temperature"]
    own = known.to_list() if CALIBRATED in deployment["ways"] and len(known) == members else None
    if own is not None and known.null_count():
        log.warning("%d of %d members have no temperature: no calibrated averages", known.null_count(), members)
        own = None
    return Splits(deployment["selection_share"], seed, device, own)
