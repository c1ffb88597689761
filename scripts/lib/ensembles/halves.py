"""Results on the even and on the odd samples; effects take diversity from one half, accuracies and scores from the
other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import HALVES, half_sizes
from scripts.lib.jobs.storage import load_table

if TYPE_CHECKING:
    from scripts.lib.ensembles.counts import Tally  # needs torch, which statistics do not


def halves_table(halves: Sequence["Tally"]) -> pl.DataFrame:
    """One row per ensemble, in the order in which they were counted.

    Columns `{consensus}_even` and `{consensus}_odd` are uint32 numbers of samples that the ensemble classifies
    correctly. If some consensus averages probabilities, `nll_even` and `nll_odd` are the negative log-likelihoods of
    the averages in nats, float32 because some digits are enough for effects (NaN on a half without samples).
    """
    columns = {
        f"{consensus}_{name}": pl.Series(half.right[consensus], dtype=pl.UInt32)
        for consensus in halves[0].right
        for name, half in zip(HALVES, halves, strict=True)
    }
    if averaging(halves[0].right):
        for name, half in zip(HALVES, halves, strict=True):
            columns[f"nll_{name}"] = pl.Series(per_sample(half.nll, half.samples), dtype=pl.Float32)
    return pl.DataFrame(columns)


@dataclass(frozen=True)
class Halves:
    """Of members or ensembles, on the even (index 0) and the odd samples (index 1).

    `samples` int64 [2]; `right` int64 [2, n] are numbers of correct answers, for each consensus or, of members, under
    the name "right"; `nll` float64 [2, n] in nats, if it is known. `confidence` float64 [2, n] has the means of the
    largest probability, of members only.
    """

    samples: np.ndarray
    right: dict[str, np.ndarray]
    nll: np.ndarray | None
    confidence: np.ndarray | None = None

    def accuracies(self) -> dict[str, np.ndarray]:
        """In percent, float64 [2, n], for each key of `right`; NaN on a half without samples."""
        return {name: 100 * per_sample(right, self.samples[:, None]) for name, right in self.right.items()}


def load_ensembles(path: str, samples: int, ensembles: int) -> Halves:
    """The table that `halves_table` made, of a dataset of so many `samples`.

    Raises StudyError for a table that is damaged or does not have one row for each of so many `ensembles`.
    """
    table = load_table(path)
    if len(table) != ensembles:
        raise StudyError(
            f"{path} has {len(table)} rows, not one for each of the {ensembles} ensembles of the study. Delete it and "
            "run again."
        )
    return _halves_of(table, samples)


def load_members(path: str) -> Halves:
    """The members' correct answers, `right`, NLL and confidence, from a table of accuracies."""
    table = load_table(path).sort("position")
    return _halves_of(table, int(table["samples"][0]))


def _halves_of(table: pl.DataFrame, samples: int) -> Halves:
    first = f"_{HALVES[0]}"
    names = [name.removesuffix(first) for name in table.columns if name.endswith(first)]
    values = {name: np.stack([table[f"{name}_{half}"].to_numpy() for half in HALVES]) for name in names}
    means = {name: values.pop(name).astype(np.float64) for name in ("nll", "confidence") if name in values}
    right = {name: numbers.astype(np.int64) for name, numbers in values.items()}
    return Halves(np.array(half_sizes(samples)), right, means.get("nll"), means.get("confidence"))


def per_sample(sums: np.ndarray, samples: np.ndarray | int) -> np.ndarray:
    """Means float64 [..., n] of `sums` [..., n] over `samples`; NaN where there are none."""
    sums, samples = np.broadcast_arrays(sums.astype(np.float64), samples)
    return np.divide(sums, samples, out=np.full(sums.shape, np.nan), where=samples > 0)
