"""The best ensemble of each size: among those that were evaluated, and by greedy forward selection."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, Form
from scripts.lib.ensembles.counts import samples_right, score_blocks
from scripts.lib.ensembles.sizes import is_exhaustive
from scripts.lib.ensembles.subsets import mean_of_members
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.job import progress

HELD_BYTES = 1 << 30  # room for 1000 members, 10 000 samples and 10 classes in float64
DECIDED_ELEMENTS = 1 << 22  # probabilities of samples that are decided at once
# Takes ensembles, bool [K, M]; returns how many samples each classifies correctly, int64 [K].
Count = Callable[[np.ndarray], np.ndarray]


COLUMNS = ("consensus", "size", "members", "accuracy", "mean_member_accuracy", "best_member_accuracy", "found")


def best_ensembles(
    evaluated: pl.DataFrame,
    accuracies: np.ndarray,
    settings: dict[str, Any],
    files: RecordedFiles | None,
    device: torch.device,
) -> pl.DataFrame:
    """The most accurate ensemble found for each consensus and size, and how it was found: all, sampled or greedy.

    `evaluated` is the table of ensembles, `accuracies` [M] are those of the members in percent, `settings` is the
    study's section `ensembles`. If not all ensembles of all sizes were evaluated, greedy selection reads the
    predictions in `files`. Raises StudyError for files that do not fit.
    """
    members = len(accuracies)
    exhaustive = is_exhaustive(members, settings["sizes"])
    evaluated = best_evaluated(evaluated, "all" if exhaustive else "sampled")
    if files is None:
        return evaluated.sort("consensus", "size")
    predictions = load_predictions(files)
    samples = Samples(predictions, load_labels(files.labels, predictions), device)
    tables = [evaluated]
    for consensus in settings["consensus"]:
        title = f"greedy selection by {consensus} on {files.dataset}"
        selected = list(forward_selection(samples.counter(consensus), members, settings["greedy"], title))
        tables.append(selected_table(consensus, selected, accuracies, len(samples)))
    return best_of_each_size(tables)


class Samples:
    """Samples on which ensembles are evaluated again and again, as in a greedy selection.

    Their scores stay in memory if they have no more than `HELD_BYTES` in each form that is asked for. Otherwise they
    are computed block by block for each evaluation, so that memory does not grow with N.
    """

    def __init__(self, predictions: Predictions, labels: torch.Tensor, device: torch.device) -> None:
        self.predictions, self.labels, self.device = predictions, labels, device
        size = torch.float64.itemsize * len(predictions.members) * len(labels) * predictions.logits[0].shape[1]
        self.fits = size <= HELD_BYTES
        self.held: dict[Form, list[tuple[torch.Tensor, torch.Tensor]]] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def blocks(self, form: Form) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """Scores float64 [M, n, C] in a form, and labels int64 [n], block by block."""
        if not self.fits:
            return self._read(form)
        if form not in self.held:
            self.held[form] = list(self._read(form))
        return self.held[form]

    def _read(self, form: Form) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rows = range(len(self.labels))
        found = score_blocks(self.predictions, self.labels, rows, self.device, "greedy selection", [form])
        return ((scores[form], labels) for scores, labels in found)

    def counter(self, consensus: str) -> Count:
        """Counts the correct answers of ensembles by `consensus`."""

        def count(chosen: np.ndarray) -> np.ndarray:
            blocks = self.blocks(CONSENSUS_METHODS[consensus].form)
            return sum((samples_right(*block, chosen, consensus) for block in blocks), np.zeros(len(chosen), np.int64))

        return count

    def correct(self, consensus: str, chosen: np.ndarray) -> np.ndarray:
        """Whether each ensemble of `chosen`, bool [K, M], classifies each sample correctly by `consensus`: bool [K, N].

        For a few ensembles: each is computed alone.
        """
        method, lists = CONSENSUS_METHODS[consensus], [np.flatnonzero(row).tolist() for row in chosen]
        parts = []
        for scores, labels in self.blocks(method.form):
            step = max(1, DECIDED_ELEMENTS // scores[:, 0].numel())
            for some, answers in zip(scores.split(step, dim=1), labels.split(step), strict=True):
                parts.append(torch.stack([method.decide(some[members]) == answers for members in lists]).cpu().numpy())
        return np.concatenate(parts, axis=1)


def forward_selection(count: Count, members: int, largest: int, title: str) -> Iterator[tuple[np.ndarray, int]]:
    """Start with the best member and add the member that helps most (or harms least), up to `largest` members.

    Yields, for each size from 1 on, the ensemble, bool [M], and its number of correct answers. Of equally good
    members, the first one in the study is taken. Source: Caruana et al. 2004, without replacement.
    """
    ensemble = np.zeros(members, bool)
    for _ in progress(range(min(largest, members)), title, "member"):
        candidates = np.flatnonzero(~ensemble)
        larger = np.repeat(ensemble[None], len(candidates), axis=0)
        larger[np.arange(len(candidates)), candidates] = True
        right = count(larger)
        ensemble = larger[right.argmax()]
        yield ensemble, int(right.max())


def best_evaluated(ensembles: pl.DataFrame, found: str) -> pl.DataFrame:
    """The most accurate ensemble of each consensus and size, of equals the first; `found` says how all were chosen."""
    group = ("consensus", "size")
    rows = ensembles.select(*group, "accuracy").with_row_index("row")  # a million rows: without the other columns
    best = rows.filter(pl.col("accuracy") == pl.col("accuracy").max().over(*group))
    first = best.group_by(*group, maintain_order=True).agg(pl.col("row").first())["row"]
    return ensembles[first].select(*COLUMNS[:-1], found=pl.lit(found))


def selected_table(
    consensus: str, selected: Sequence[tuple[np.ndarray, int]], accuracies: np.ndarray, samples: int
) -> pl.DataFrame:
    """What `forward_selection` found on `samples`, as a table; `accuracies` [M] are those of the members in percent."""
    chosen = np.stack([ensemble for ensemble, _ in selected])
    return pl.DataFrame(
        {
            "consensus": [consensus] * len(chosen),
            "size": pl.Series(chosen.sum(1), dtype=pl.UInt16),
            "members": pl.Series([np.flatnonzero(row).tolist() for row in chosen], dtype=pl.List(pl.UInt16)),
            "accuracy": [100 * count / samples for _, count in selected],
            "mean_member_accuracy": mean_of_members(chosen, accuracies),
            "best_member_accuracy": np.where(chosen, accuracies, 0).max(1),
            "found": ["greedy"] * len(chosen),
        }
    )


def best_of_each_size(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The most accurate ensemble of each consensus and size in any of the tables; the earlier table wins a tie."""
    together = pl.concat(tables).sort("accuracy", descending=True, maintain_order=True)
    best = together.group_by("consensus", "size", maintain_order=True).first()
    return best.sort("consensus", "size")
