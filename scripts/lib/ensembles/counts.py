"""Correct answers and scores of each member and each ensemble, as sums over samples, which shards add.

Correct answers are whole numbers and add up exactly; sums of scores add up to rounding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import polars as pl
import torch

import kernels
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, LOGARITHMS, PROBABILITIES, Form
from scripts.lib.ensembles.scores import MemberSums, sums_of_members, true_probabilities
from scripts.lib.ensembles.sizes import MOST_MEMBERS
from scripts.lib.ensembles.subsets import numbers_of
from scripts.lib.inference.predictions import Predictions, log_probabilities, probabilities
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.shards import blocks
from scripts.lib.jobs.storage import load_array, load_table, save_array, save_table


@dataclass(frozen=True)
class Tally:
    """Counts of samples, and sums of scores over samples.

    `joint` int64 [M, M] counts the samples that both members of a pair classify correctly; its diagonal counts those of
    each member. `right` has for each consensus the counts of the ensembles, int64 [E]. `unanimous` and `minority` int64
    [E] are those of `patterns.Patterns.sums`. `nll` float64 [E] are the sums of the negative
    log-likelihoods of the ensembles' mean probabilities, and `nll_clipped` int64 [E] counts the samples where these are
    below the floor of `kernels.average_nll`. `of_members` has the sums of the members' scores.
    """

    samples: int
    joint: np.ndarray
    right: dict[str, np.ndarray]
    unanimous: np.ndarray
    minority: np.ndarray
    nll: np.ndarray
    nll_clipped: np.ndarray
    of_members: MemberSums

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.samples + other.samples,
            self.joint + other.joint,
            {consensus: counts + other.right[consensus] for consensus, counts in self.right.items()},
            self.unanimous + other.unanimous,
            self.minority + other.minority,
            self.nll + other.nll,
            self.nll_clipped + other.nll_clipped,
            self.of_members + other.of_members,
        )


def no_tally(chosen: np.ndarray, consensus: Sequence[str], classes: int) -> Tally:
    """The tally of no samples, for the ensembles `chosen`, bool [E, M]."""
    count, members = chosen.shape
    zeros = np.zeros(count, np.int64)
    right, joint = dict.fromkeys(consensus, zeros), np.zeros((members, members), np.int64)
    return Tally(0, joint, right, zeros, zeros, np.zeros(count), zeros, MemberSums.zeros(members, classes))


Scores = Mapping[Form, torch.Tensor]  # what consensus methods count with, float64 [M, n, C] each


def forms_of(consensus: Sequence[str]) -> list[Form]:
    """What these methods count with; probabilities come first, which are always needed."""
    forms = {CONSENSUS_METHODS[way].form for way in consensus}
    return [PROBABILITIES, *([LOGARITHMS] if LOGARITHMS in forms else [])]


def score_blocks(
    predictions: Predictions,
    labels: torch.Tensor,
    rows: range,
    device: torch.device,
    title: str,
    forms: Sequence[Form] = (PROBABILITIES,),
) -> Iterator[tuple[Scores, torch.Tensor]]:
    """Scores float64 [M, n, C] in each form and labels int64 [n] of the samples `rows`, in blocks of some hundred MB.

    If `rows` begin at an even sample, so do all blocks.
    """
    classes = predictions.logits[0].shape[1]
    pieces = list(blocks(rows, len(forms) * torch.float64.itemsize * len(predictions.members) * classes))
    for piece in progress(pieces, f"{title} on {predictions.dataset}", "block"):
        logits = [values[piece] for values in predictions.logits]
        found: dict[Form, torch.Tensor] = {}
        if PROBABILITIES in forms:
            found[PROBABILITIES] = probabilities(logits, torch.float64).to(device)
        if LOGARITHMS in forms:
            found[LOGARITHMS] = log_probabilities(logits).to(device)
        yield found, labels[piece].to(device)


def tallies_of_parts(
    scores: Scores, labels: torch.Tensor, parts: Sequence[slice], chosen: np.ndarray, consensus: Sequence[str]
) -> Iterator[Tally]:
    """Count in each of the `parts` of a block: scores float64 [M, n, C] and labels int64 [n].

    One after the other, because a tally of all ensembles of 20 members takes 40 MB. `unanimous` and
    `minority` are left out (0), because counting them takes as long for few samples as for many; see `patterns`.
    """
    nothing = no_tally(chosen, consensus, scores[PROBABILITIES].shape[2])
    for part in parts:
        some = len(labels[part]) > 0
        of_part = {form: values[:, part] for form, values in scores.items()}
        yield _tally_of_part(of_part, labels[part], chosen, consensus, nothing) if some else nothing


def _tally_of_part(
    scores: Scores, labels: torch.Tensor, chosen: np.ndarray, consensus: Sequence[str], nothing: Tally
) -> Tally:
    values = scores[PROBABILITIES]
    predicted = values.argmax(2)
    correct = predicted == labels
    alone, together = _nll(true_probabilities(values, labels), chosen)
    return Tally(
        len(labels),
        kernels.joint_correctness(correct).cpu().numpy(),
        {way: samples_right(scores[CONSENSUS_METHODS[way].form], labels, chosen, way) for way in consensus},
        nothing.unanimous,
        nothing.minority,
        *together,
        sums_of_members(values, labels, predicted, alone),
    )


def samples_right(scores: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray, consensus: str) -> np.ndarray:
    """Correct answers of each ensemble of `chosen`, bool [E, M], as int64 [E].

    `scores` float [M, N, C] are in the form that the method counts with.
    """
    method = CONSENSUS_METHODS[consensus]
    if method.sweeps and _are_most(chosen):
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


def save_tallies(joint: str, ensembles: str, members: str, halves: Sequence[Tally]) -> None:
    """Write the counts of pairs as an array, and what belongs to ensembles and to members as tables.

    All rows of the even samples come first, then those of the odd ones.
    """
    save_array(joint, np.stack([half.joint for half in halves]))
    save_table(ensembles, pl.concat([_table_of_ensembles(half) for half in halves]))
    save_table(members, pl.concat([half.of_members.as_table() for half in halves]))


def _table_of_ensembles(tally: Tally) -> pl.DataFrame:
    columns = {f"right_{consensus}": numbers for consensus, numbers in tally.right.items()}
    columns |= {
        "unanimous": tally.unanimous,
        "minority": tally.minority,
        "nll": tally.nll,
        "nll_clipped": tally.nll_clipped,
    }
    return pl.DataFrame(columns | {"samples": np.full(len(tally.unanimous), tally.samples)})


def load_tallies(joint: Sequence[str], ensembles: Sequence[str], members: Sequence[str]) -> tuple[Tally, Tally]:
    """The sums, over all shards, of what `save_tallies` wrote for the even and for the odd samples."""
    even, odd = zip(*map(_load_tallies, joint, ensembles, members), strict=True)
    return reduce(Tally.__add__, even), reduce(Tally.__add__, odd)


def _load_tallies(joint: str, ensembles: str, members: str) -> tuple[Tally, Tally]:
    of_pairs, tables = np.array(load_array(joint)), (load_table(ensembles), load_table(members))
    even, odd = zip(*((table[: len(table) // 2], table[len(table) // 2 :]) for table in tables), strict=True)
    return _tally_of(of_pairs[0], *even), _tally_of(of_pairs[1], *odd)


def _tally_of(joint: np.ndarray, ensembles: pl.DataFrame, members: pl.DataFrame) -> Tally:
    columns = {name: ensembles[name].to_numpy() for name in ensembles.columns}
    right = {name.removeprefix("right_"): values for name, values in columns.items() if name.startswith("right_")}
    return Tally(
        samples=int(columns["samples"][0]),
        joint=joint,
        right=right,
        unanimous=columns["unanimous"],
        minority=columns["minority"],
        nll=columns["nll"],
        nll_clipped=columns["nll_clipped"],
        of_members=MemberSums.of_table(members),
    )
