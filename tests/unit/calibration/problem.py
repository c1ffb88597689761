"""A small problem: predictions of members, labels, and what deployment chose among them."""

import numpy as np
import polars as pl
import torch

from scripts.lib.calibration.tables import calibration_tables, temperatures_table
from scripts.lib.inference.predictions import Predictions

CPU = torch.device("cpu")
SHARE, SEED = 0.5, 3


def predictions_of(logits: np.ndarray) -> Predictions:
    """The predictions of members with these logits [M, N, C]."""
    names = [f"member{number}" for number in range(len(logits))]
    return Predictions("clean", names, [str(row) for row in range(logits.shape[1])], list(logits.astype(np.float32)))


def problem(members: int = 4, samples: int = 240, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, torch.Tensor]:
    """Logits [M, N, C] of members that are more or less overconfident, and labels int64 [N]."""
    random = np.random.default_rng([seed, members, samples])
    labels = random.integers(0, classes, samples)
    logits = random.normal(size=(members, samples, classes)) + random.normal(size=(samples, classes))
    logits[:, np.arange(samples), labels] += 1.5
    return logits * np.linspace(0.5, 6, members)[:, None, None], torch.from_numpy(labels)


def deployed(*ensembles: list[int]) -> pl.DataFrame:
    """The rows of a table of deployment for these ensembles, the first of which is the most accurate one."""
    accuracies = [90.0 - number for number in range(len(ensembles))]
    sizes, lists = [len(ensemble) for ensemble in ensembles], pl.Series(ensembles, dtype=pl.List(pl.UInt16))
    return pl.DataFrame({"chosen_for": "size", "size": sizes, "members": lists, "selection_accuracy": accuracies})


def tables_of(
    logits: np.ndarray, labels: torch.Tensor, chosen: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Temperatures, scores and curves."""
    predictions = predictions_of(logits)
    temperatures = temperatures_table(predictions, labels, chosen, SHARE, SEED, CPU)
    return temperatures, *calibration_tables(predictions, labels, temperatures, SHARE, SEED, CPU)
