"""Correct answers on the even and on the odd samples; effects take diversity from one half, accuracy from the other."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from scripts.lib.ensembles.counts import Tally
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import HALVES, half_sizes
from scripts.lib.jobs.storage import load_table


def halves_table(halves: Sequence[Tally]) -> pl.DataFrame:
    """One row per ensemble, in the order in which they were counted: columns `{consensus}_even` and `{consensus}_odd`.

    uint32 numbers of samples that the ensemble classifies correctly.
    """
    columns = {
        f"{consensus}_{name}": half.right[consensus]
        for consensus in halves[0].right
        for name, half in zip(HALVES, halves, strict=True)
    }
    return pl.DataFrame(columns).cast(pl.UInt32)


def load_right(path: str, samples: np.ndarray, ensembles: int) -> dict[str, np.ndarray]:
    """Accuracies in percent, float64 [2, E], of all ensembles for each consensus; NaN on a half without samples.

    `samples` are the numbers of samples [2] of the halves. Raises StudyError for a table that is damaged or does not
    have one row for each of so many `ensembles`.
    """
    table = load_table(path)
    if len(table) != ensembles:
        raise StudyError(
            f"{path} has {len(table)} rows, not one for each of the {ensembles} ensembles of the study. Delete it and "
            "run again."
        )
    consensus = [name.removesuffix(f"_{HALVES[0]}") for name in table.columns if name.endswith(f"_{HALVES[0]}")]
    return {
        name: _percent(np.stack([table[f"{name}_{half}"].to_numpy() for half in HALVES]), samples[:, None])
        for name in consensus
    }


def load_accuracies(path: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of samples int64 [2] of the halves, and the members' accuracies in percent, float64 [2, M]."""
    table = load_table(path).sort("position")
    samples = np.array(half_sizes(int(table["samples"][0])))
    right = np.stack([table[f"right_{half}"].to_numpy() for half in HALVES])
    return samples, _percent(right, samples[:, None])


def _percent(right: np.ndarray, samples: np.ndarray) -> np.ndarray:
    values: np.ndarray = np.divide(
        100 * right.astype(np.float64), samples, out=np.full(right.shape, np.nan), where=samples > 0
    )
    return values
