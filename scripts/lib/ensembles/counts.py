"""Correct answers and scores of each member and each ensemble, as sums over samples, which shards add.

Correct answers are whole numbers and add up exactly; sums of scores add up to rounding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
import torch

import kernels
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.ensembles.scores import (
    MemberSums,
    load_member_sums,
    save_member_sums,
    sums_of_members,
    true_probabilities,
)
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
    """Counts of samples, and sums of scores over samples.

    `joint` int64 [M, M] counts the samples that both members of a pair classify correctly; its diagonal counts those of
    each member. `right` has for each consensus the counts of the ensembles, int64 [E]. `unanimous` int64 [E] counts the
    samples that all members of an ensemble classify correctly. `nll` float64 [E] are the sums of the negative
    log-likelihoods of the ensembles' mean probabilities, and `nll_clipped` int64 [E] counts the samples where these are
    below the floor of `kernels.average_nll`. `of_members` has the sums of the members' scores.
    """

    samples: int
    joint: np.ndarray
    right: dict[str, np.ndarray]
    unanimous: np.ndarray
    nll: np.ndarray
    nll_clipped: np.ndarray
    of_members: MemberSums

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.samples + other.samples,
            self.joint + other.joint,
            {consensus: counts + other.right[consensus] for consensus, counts in self.right.items()},
            self.unanimous + other.unanimous,
            self.nll + other.nll,
            self.nll_clipped + other.nll_clipped,
            self.of_members + other.of_members,
        )


def tally_of_files(
    files: RecordedFiles,
    chosen: np.ndarray,
    consensus: Sequence[str],
    device: torch.device,
    part: int = 0,
    parts: int = 1,
) -> Tally:
    """Count over one of `parts` shards of the samples.

    Raises StudyError, naming member, dataset and file, for files that do not fit.
    """
    predictions = load_predictions(files)
    labels = load_labels(files.labels, predictions)
    return tally(predictions, labels, shard(len(labels), part, parts), chosen, consensus, device)


def tally(
    predictions: Predictions,
    labels: torch.Tensor,
    rows: range,
    chosen: np.ndarray,
    consensus: Sequence[str],
    device: torch.device,
) -> Tally:
    """Count over the samples `rows` for the ensembles `chosen`, bool [E, M], in blocks: memory does not grow with N."""
    members = len(predictions.members)
    zeros = np.zeros(len(chosen), np.int64)
    right, joint = dict.fromkeys(consensus, zeros), np.zeros((members, members), np.int64)
    total = Tally(0, joint, right, zeros, np.zeros(len(chosen)), zeros, MemberSums.zeros(members))
    for values, answers in probability_blocks(predictions, labels, rows, device, "ensembles", torch.float64):
        total += _tally_of_block(values, answers, chosen, consensus)
    return total


def probability_blocks(
    predictions: Predictions,
    labels: torch.Tensor,
    rows: range,
    device: torch.device,
    title: str,
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Probabilities [M, n, C] and labels int64 [n] of the samples `rows`, in blocks of some hundred MB."""
    classes = predictions.logits[0].shape[1]
    pieces = list(blocks(rows, dtype.itemsize * len(predictions.members) * classes))
    for piece in progress(pieces, f"{title} on {predictions.dataset}", "block"):
        values = probabilities([logits[piece] for logits in predictions.logits], dtype)
        yield values.to(device), labels[piece].to(device)


def _tally_of_block(values: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray, consensus: Sequence[str]) -> Tally:
    """Scores are computed from probabilities in float64, decisions from float32, as docs/measures.md says."""
    scores = values.float()
    correct = scores.argmax(2) == labels
    alone, together = _nll(true_probabilities(values, labels), chosen)
    return Tally(
        len(labels),
        kernels.joint_correctness(correct).cpu().numpy(),
        {way: samples_right(scores, labels, chosen, way) for way in consensus},
        unanimous(correct, chosen),
        *together,
        sums_of_members(values, labels, correct, alone),
    )


def samples_right(scores: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray, consensus: str) -> np.ndarray:
    """Correct answers of each ensemble of `chosen`, bool [E, M], as int64 [E], from probabilities [M, N, C]."""
    method = CONSENSUS_METHODS[consensus]
    if _are_most(chosen):
        counts = method.count(scores, labels, "all").cpu().numpy()
        return counts[numbers_of(chosen) - 1]
    return method.count(scores, labels, torch.from_numpy(chosen).to(scores.device)).cpu().numpy()


def _are_most(chosen: np.ndarray) -> bool:
    """Whether to compute all subsets and then to choose: kernels are much faster so, because subsets share work."""
    members = chosen.shape[1]
    return members <= MOST_MEMBERS and len(chosen) > 2 ** (members - 1)


Nll = tuple[np.ndarray, np.ndarray]  # sums of negative log-likelihoods float64, and numbers of clipped samples int64


def _nll(true: torch.Tensor, chosen: np.ndarray) -> tuple[Nll, Nll]:
    """Of each member and of each ensemble of `chosen`, bool [E, M], from `true_probabilities` [M, N].

    Both come from the same call, so that an ensemble of one member has exactly the value of this member.
    """
    members = len(true)
    listed = np.concatenate([np.eye(members, dtype=bool), chosen])
    if _are_most(chosen):
        sums, clipped = (values.cpu().numpy()[numbers_of(listed) - 1] for values in kernels.average_nll(true))
    else:
        ensembles = torch.from_numpy(listed).to(true.device)
        sums, clipped = (values.cpu().numpy() for values in kernels.average_nll(true, ensembles))
    return (sums[:members], clipped[:members]), (sums[members:], clipped[members:])


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


def save_tally(joint: str, ensembles: str, members: str, tally: Tally) -> None:
    """Write the counts of pairs as an array, and what belongs to ensembles and to members as tables."""
    save_array(joint, tally.joint)
    columns = {f"right_{consensus}": numbers for consensus, numbers in tally.right.items()}
    columns |= {"unanimous": tally.unanimous, "nll": tally.nll, "nll_clipped": tally.nll_clipped}
    save_table(ensembles, pl.DataFrame(columns | {"samples": np.full(len(tally.unanimous), tally.samples)}))
    save_member_sums(members, tally.of_members)


def load_tallies(joint: Sequence[str], ensembles: Sequence[str], members: Sequence[str]) -> Tally:
    """The sum of what `save_tally` wrote for each shard."""
    return reduce(Tally.__add__, map(_load_tally, joint, ensembles, members))


def _load_tally(joint: str, ensembles: str, members: str) -> Tally:
    table = load_table(ensembles)
    columns = {name: table[name].to_numpy() for name in table.columns}
    right = {name.removeprefix("right_"): values for name, values in columns.items() if name.startswith("right_")}
    return Tally(
        samples=int(columns["samples"][0]),
        joint=np.array(load_array(joint)),
        right=right,
        unanimous=columns["unanimous"],
        nll=columns["nll"],
        nll_clipped=columns["nll_clipped"],
        of_members=load_member_sums(members),
    )
