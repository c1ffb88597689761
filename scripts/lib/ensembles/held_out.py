"""How members, and ensembles that were chosen on the clean set, do on the evaluation split of each validation set.

The regret of a choice is what a choice on the set itself would have been better by: the accuracy of the ensemble that
is recommended for this set, which was chosen on the selection split of this set, minus the accuracy of the ensemble
that was chosen on the selection split of the clean set. Both are measured on the evaluation split of this set, which
neither choice has seen if the sets are divided alike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.deployment import difference_with_interval, part_of, split
from scripts.lib.ensembles.intervals import wilson_interval
from scripts.lib.ensembles.recommendation import recommended
from scripts.lib.ensembles.selection import Samples
from scripts.lib.inference.predictions import load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.randomness import derive

RESAMPLES = 1000
BLOCK_DRAWS = 1 << 22  # samples that are drawn at once

DIFFERENCES = ("over_best_member", "over_best_low", "over_best_high", "regret", "regret_low", "regret_high")
SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "kind": pl.String,
    "consensus": pl.String,
    "size": pl.UInt16,
    "members": pl.List(pl.UInt16),
    "recommended": pl.Boolean,
    "samples": pl.Int64,
    "right": pl.Int64,
    "accuracy": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    **dict.fromkeys(DIFFERENCES, pl.Float64),
    "same_split": pl.Boolean,
}


def evaluation_split(files: RecordedFiles, share: float, seed: int, device: torch.device) -> Samples:
    """The samples of the evaluation split. Raises StudyError for files that do not fit."""
    predictions = load_predictions(files)
    labels = load_labels(files.labels, predictions)
    _, rows = split(len(labels), share, seed)
    return Samples(*part_of(predictions, labels, rows), device)


def held_out(
    samples: Samples, chosen: pl.DataFrame, own: pl.DataFrame | None, consensus: Sequence[str], same_split: bool
) -> tuple[pl.DataFrame, np.ndarray]:
    """Each member, each chosen ensemble, all members together and, if there is `own`, the ensemble recommended there.

    `chosen` is `deployment/{dataset}.parquet` of the clean set, of which the best ensemble of each size is judged, and
    `own` that of this set; None for the clean set itself, which has no regret. `samples` are those of the evaluation
    split of this set, and `same_split` says whether it is divided as the clean set is. Returns the table, and which
    samples each of its rows classifies correctly, bool [K, N].
    """
    everyone = np.eye(len(samples.predictions.members), dtype=bool)
    # Alone, a member decides in the same way by any consensus.
    alone = samples.correct(consensus[0], everyone)
    parts = [(_judged(["member"] * len(everyone), None, everyone, alone), alone)]
    parts += [_of_consensus(samples, chosen.filter(consensus=way), own, way) for way in consensus]
    tables, correct = zip(*parts, strict=True)
    table = pl.concat([pl.DataFrame(schema=SCHEMA), *tables], how="diagonal")
    described = table.with_columns(dataset=pl.lit(samples.predictions.dataset), same_split=pl.lit(same_split))
    return described, np.concatenate(correct)


def _of_consensus(
    samples: Samples, chosen: pl.DataFrame, own: pl.DataFrame | None, way: str
) -> tuple[pl.DataFrame, np.ndarray]:
    sizes, members = chosen.filter(chosen_for="size").sort("size"), len(samples.predictions.members)
    lists = [*sizes["members"].to_list(), list(range(members))]
    kinds = ["chosen"] * len(sizes) + ["all"]
    if own is not None:
        lists.append(recommended(own.filter(consensus=way))["members"])
        kinds.append("own")
    ensembles = np.zeros((len(lists), members), bool)
    for row, positions in enumerate(lists):
        ensembles[row, positions] = True
    correct = samples.correct(way, ensembles)
    table = _judged(kinds, way, ensembles, correct).with_columns(
        **dict(zip(DIFFERENCES, difference_with_interval(correct, correct[0]), strict=False)),
        recommended=pl.Series([row == recommended(chosen)["members"] for row in lists]) & (pl.col("kind") == "chosen"),
    )
    if own is None:
        return table, correct
    less, low, high = difference_with_interval(correct, correct[-1])
    return table.with_columns(regret=0 - less, regret_low=0 - high, regret_high=0 - low), correct


def _judged(kinds: list[str], way: str | None, ensembles: np.ndarray, correct: np.ndarray) -> pl.DataFrame:
    """What the correct answers, bool [K, N], of `ensembles`, bool [K, M], say of each alone."""
    right, samples = correct.sum(1), correct.shape[1]
    low, high = wilson_interval(right, samples)
    return pl.DataFrame(
        {
            "kind": kinds,
            "consensus": pl.Series([way] * len(kinds), dtype=pl.String),
            "size": pl.Series(ensembles.sum(1), dtype=pl.UInt16),
            "members": pl.Series([np.flatnonzero(row).tolist() for row in ensembles], dtype=pl.List(pl.UInt16)),
            "samples": pl.Series([samples] * len(kinds), dtype=pl.Int64),
            "right": right,
            "accuracy": 100 * right / samples,
            "low": low,
            "high": high,
        }
    )


def resampled(correct: np.ndarray, seed: int) -> np.ndarray:
    """How many samples are classified correctly if the samples are drawn again with replacement, int32 [RESAMPLES, K].

    `correct` is bool [K, N]. Sets with equally many samples are drawn alike, so an image and its corrupted copies are
    drawn together.
    """
    samples = correct.shape[1]
    generator, weights = np.random.default_rng(derive(seed, "images", samples)), correct.T.astype(np.float32)
    counts, step = np.empty((RESAMPLES, len(correct)), np.int32), max(1, BLOCK_DRAWS // samples)
    for start in range(0, RESAMPLES, step):
        block = counts[start : start + step]
        drawn = generator.integers(samples, size=(len(block), samples))
        times = np.stack([np.bincount(row, minlength=samples) for row in drawn]).astype(np.float32)
        block[:] = times @ weights  # whole numbers below 2^24 are exact in float32
    return counts
