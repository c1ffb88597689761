"""Correct answers of each member and each ensemble: whole numbers, so shards of samples add up exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
import torch

import kernels
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions, probabilities
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.shards import blocks, shard
from scripts.lib.jobs.storage import load_array, load_table, save_array, save_table

# The largest number of members for which memory and kernels.consensus_sweep allow all ensembles.
MOST_MEMBERS = 20
# Number of ensembles whose members are looked up at once, for each sample of a block.
BLOCK_ELEMENTS = 1 << 27


@dataclass(frozen=True)
class Tally:
    """Counts of samples.

    `joint` int64 [M, M] counts the samples that both members of a pair classify correctly; its diagonal counts those of
    each member. `right` has for each consensus the counts of the ensembles, int64 [E]. `unanimous` int64 [E] counts the
    samples that all members of an ensemble classify correctly.
    """

    samples: int
    joint: np.ndarray
    right: dict[str, np.ndarray]
    unanimous: np.ndarray

    def __add__(self, other: "Tally") -> "Tally":
        right = {consensus: counts + other.right[consensus] for consensus, counts in self.right.items()}
        return Tally(self.samples + other.samples, self.joint + other.joint, right, self.unanimous + other.unanimous)


def tally_of_files(
    files: RecordedFiles,
    chosen: np.ndarray,
    consensus: Sequence[str],
    device: torch.device,
    part: int = 0,
    parts: int = 1,
) -> tuple[Tally, Tally]:
    """Count over the even and over the odd samples of one of `parts` shards.

    Raises StudyError, naming member, dataset and file, for files that do not fit.
    """
    predictions = load_predictions(files)
    labels = load_labels(files.labels, predictions)
    return tally_of_halves(predictions, labels, shard(len(labels), part, parts), chosen, consensus, device)


def tally_of_halves(
    predictions: Predictions,
    labels: torch.Tensor,
    rows: range,
    chosen: np.ndarray,
    consensus: Sequence[str],
    device: torch.device,
) -> tuple[Tally, Tally]:
    """Count over the even and over the odd samples of `rows` for the ensembles `chosen`, bool [E, M].

    Counting goes block by block, so memory does not grow with N. `rows` and blocks begin at even samples.
    """
    members = len(predictions.members)
    zeros = np.zeros(len(chosen), np.int64)
    nothing = Tally(0, np.zeros((members, members), np.int64), dict.fromkeys(consensus, zeros), zeros)
    even, odd = nothing, nothing
    for scores, answers in probability_blocks(predictions, labels, rows, device, "ensembles"):
        even += _tally_of_block(scores[:, ::2], answers[::2], chosen, consensus)
        if len(answers) > 1:
            odd += _tally_of_block(scores[:, 1::2], answers[1::2], chosen, consensus)
    return even, odd


def probability_blocks(
    predictions: Predictions, labels: torch.Tensor, rows: range, device: torch.device, title: str
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Probabilities float32 [M, n, C] and labels int64 [n] of the samples `rows`, in blocks of some hundred MB."""
    pieces = list(blocks(rows, 4 * len(predictions.members) * predictions.logits[0].shape[1]))
    for piece in progress(pieces, f"{title} on {predictions.dataset}", "block"):
        scores = probabilities([logits[piece] for logits in predictions.logits])
        yield scores.to(device), labels[piece].to(device)


def _tally_of_block(scores: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray, consensus: Sequence[str]) -> Tally:
    correct = scores.argmax(2) == labels
    return Tally(
        len(labels),
        kernels.joint_correctness(correct).cpu().numpy(),
        {way: samples_right(scores, labels, chosen, way) for way in consensus},
        unanimous(correct, chosen),
    )


def samples_right(scores: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray, consensus: str) -> np.ndarray:
    """Correct answers of each ensemble of `chosen`, bool [E, M], as int64 [E], from probabilities [M, N, C]."""
    members, method = chosen.shape[1], CONSENSUS_METHODS[consensus]
    if members <= MOST_MEMBERS and len(chosen) > 2 ** (members - 1):
        # The kernel is much faster for all subsets, which it numbers by their bits, because they share work.
        counts = method.count(scores, labels, "all").cpu().numpy()
        return counts[numbers_of(chosen) - 1]
    return method.count(scores, labels, torch.from_numpy(chosen).to(scores.device)).cpu().numpy()


def numbers_of(chosen: np.ndarray) -> np.ndarray:
    """The number uint32 [E] of each ensemble of `chosen`, bool [E, M]: its members are the number's set bits."""
    octets = np.packbits(chosen, axis=1, bitorder="little")
    words = np.zeros((len(chosen), 4), np.uint8)
    words[:, : octets.shape[1]] = octets
    return words.view("<u4")[:, 0]


def unanimous(correct: torch.Tensor, chosen: np.ndarray) -> np.ndarray:
    """Number of samples that all members of each ensemble classify correctly, from `correct` bool [M, N]."""
    if len(correct) <= MOST_MEMBERS:
        return _unanimous_of_all(correct.cpu().numpy())[numbers_of(chosen)]
    wrong = (~correct).float()
    ensembles = torch.from_numpy(chosen).to(correct.device)
    step = max(1, BLOCK_ELEMENTS // max(1, wrong.shape[1]))
    counts = [(block.float() @ wrong == 0).sum(1) for block in ensembles.split(step)]
    return torch.cat(counts).cpu().numpy()


def _unanimous_of_all(correct: np.ndarray) -> np.ndarray:
    """Number of samples that all members of a subset classify correctly, int64 [2^M], for all subsets by their number.

    A sample counts for all subsets of the set of members that are correct on it. So each such set is counted once, and
    sums over supersets follow in one pass for each member (Yates 1937): a subset without the member takes over the
    count of the subset with it.
    """
    members = len(correct)
    counts = np.bincount((1 << np.arange(members)) @ correct, minlength=1 << members)
    for member in range(members):
        pairs = counts.reshape(-1, 2, 1 << member)
        pairs[:, 0] += pairs[:, 1]
    return counts


def save_tallies(joint: str, ensembles: str, halves: Sequence[Tally]) -> None:
    """Write the counts of pairs as an array, and those of ensembles as a table: first all rows of the even samples."""
    save_array(joint, np.stack([half.joint for half in halves]))
    save_table(ensembles, pl.concat([_table_of_counts(half) for half in halves]))


def _table_of_counts(counts: Tally) -> pl.DataFrame:
    right = {f"right_{consensus}": numbers for consensus, numbers in counts.right.items()}
    samples = np.full(len(counts.unanimous), counts.samples)
    return pl.DataFrame({**right, "unanimous": counts.unanimous, "samples": samples})


def load_tallies(joint: Sequence[str], ensembles: Sequence[str]) -> tuple[Tally, Tally]:
    """The sums, over all shards, of what `save_tallies` wrote for the even and for the odd samples."""
    even, odd = zip(*map(_load_tallies, joint, ensembles), strict=True)
    return reduce(Tally.__add__, even), reduce(Tally.__add__, odd)


def _load_tallies(joint: str, ensembles: str) -> tuple[Tally, Tally]:
    of_pairs, table = np.array(load_array(joint)), load_table(ensembles)
    count = len(table) // 2
    return _tally_of(of_pairs[0], table[:count]), _tally_of(of_pairs[1], table[count:])


def _tally_of(joint: np.ndarray, table: pl.DataFrame) -> Tally:
    columns = {name: table[name].to_numpy() for name in table.columns}
    right = {name.removeprefix("right_"): values for name, values in columns.items() if name.startswith("right_")}
    return Tally(int(columns["samples"][0]), joint, right, columns["unanimous"])
