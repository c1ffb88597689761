"""What is needed of the samples of one split to score any weighted average of the members.

Three facts keep it small. The negative log-likelihood needs the probabilities of the true classes only, and the Brier
score only sums over pairs of members. For accuracy, the only classes that count are those that beat the true class in
some member: a class that is below it in every member is below it in every weighted average.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from kernels.average_nll import FLOOR
from scripts.lib.choices.names import ACCURACY, NLL, WORST
from scripts.lib.ensembles.consensus.spec import PROBABILITIES
from scripts.lib.ensembles.counts import score_blocks
from scripts.lib.ensembles.deployment import part_of
from scripts.lib.ensembles.scores import true_probabilities
from scripts.lib.inference.predictions import Predictions

TIE = 1e-12  # averages of probabilities that differ by less are equal


@dataclass(frozen=True)
class SplitScores:
    """Of n samples and M members.

    `true` float64 [M, n]: the probability of the true class. `gram` float64 [M, M]: the sum over samples of the scalar
    products of two members' probabilities. `leads` float64 [M, K]: by how much each of K classes, which belong to the
    samples `contested` int64 [S], is above the true class; those of a sample follow each other from `starts` int64 [S]
    on. `ties` bool [K] says whether a class wins if its lead is 0, because its number is lower.
    """

    true: np.ndarray
    gram: np.ndarray
    leads: np.ndarray
    starts: np.ndarray
    contested: np.ndarray
    ties: np.ndarray

    @property
    def samples(self) -> int:
        return self.true.shape[1]

    def correct(self, weights: np.ndarray) -> np.ndarray:
        """Which samples the average with these weights, float64 [M], classifies correctly, bool [n].

        Averages that differ by less than `TIE` times the sum of the weights are equal, and the lowest class wins:
        members that give whole classes have many ties, which must not depend on the rounding of weights such as 1/3.
        """
        return self._correct(_average(weights, self.leads), TIE * float(weights.sum()))

    def _correct(self, lead: np.ndarray, tie: float) -> np.ndarray:
        right = np.ones(self.samples, bool)
        if len(self.starts):
            wins = (lead > tie) | ((lead >= -tie) & self.ties)
            right[self.contested] = ~np.logical_or.reduceat(wins, self.starts)
        return right

    def nll_of_samples(self, weights: np.ndarray) -> np.ndarray:
        """Negative log-likelihoods in nats, float64 [n]; a probability below the floor counts as the floor."""
        return -np.log(np.maximum(_average(weights, self.true), FLOOR))

    def loss(self, metric: str, weights: np.ndarray) -> float:
        """Of the average with `weights` float64 [M], which sum to 1; smaller is better. Accuracy counts as 1 − it."""
        if metric == ACCURACY:
            return float(1 - self.correct(weights).mean())
        if metric == NLL:
            return float(self.nll_of_samples(weights).mean())
        return float((weights @ self.gram @ weights - 2 * weights @ self.true.sum(1)) / self.samples + 1)

    def additions(self, metric: str, counts: np.ndarray) -> np.ndarray:
        """The loss float64 [M] after one more pick of each member; `counts` int64 [M] are the picks so far."""
        total = counts.sum() + 1
        if metric == ACCURACY:
            before = counts @ self.leads
            right = [self._correct(before + of_member, TIE * total).sum() for of_member in self.leads]
            return 1 - np.array(right) / self.samples
        if metric == NLL:
            before = counts @ self.true
            sums = [np.log(np.maximum((before + of_member) / total, FLOOR)).sum() for of_member in self.true]
            return -np.array(sums) / self.samples
        pairs = counts @ self.gram @ counts + 2 * self.gram @ counts + self.gram.diagonal()
        true = counts @ self.true.sum(1) + self.true.sum(1)
        return (pairs / total**2 - 2 * true / total) / self.samples + 1


def _average(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`weights` float64 [M] @ `values` [M, n]. Of a thousand members, most choices have few: only these are read."""
    picked = np.flatnonzero(weights)
    return weights @ values if 2 * len(picked) > len(weights) else weights[picked] @ values[picked]


def split_scores(
    predictions: Predictions,
    labels: torch.Tensor,
    rows: np.ndarray,
    device: torch.device,
    temperatures: Sequence[float] | None = None,
) -> SplitScores:
    """The scores of the samples `rows`; `temperatures` divide the logits of the members, if they are given."""
    part, answers = part_of(predictions, labels, rows)
    if temperatures is not None:
        pairs = zip(part.logits, temperatures, strict=True)
        scaled: Any = [_Scaled(logits, temperature) for logits, temperature in pairs]
        part = replace(part, logits=scaled)
    blocks = score_blocks(part, answers, range(len(rows)), device, "weighted averages")
    return _joined([_of_block(scores[PROBABILITIES], true) for scores, true in blocks])


class _Scaled:
    """Logits that are divided by a temperature when they are read."""

    def __init__(self, logits: Any, temperature: float) -> None:
        self.logits, self.temperature, self.shape = logits, temperature, logits.shape

    def __getitem__(self, piece: slice) -> np.ndarray:
        return np.asarray(self.logits[piece], np.float64) / self.temperature


def _of_block(probabilities: torch.Tensor, labels: torch.Tensor) -> SplitScores:
    own = true_probabilities(probabilities, labels)
    flat, classes = probabilities.flatten(1), torch.arange(probabilities.shape[2], device=labels.device)
    lower = classes < labels[:, None]
    level = own[:, :, None]
    beats = ((probabilities > level) | ((probabilities == level) & lower)).any(0)
    sample, rival = beats.nonzero(as_tuple=True)
    contested, counts = sample.unique(return_counts=True)
    return SplitScores(
        own.cpu().numpy(),
        (flat @ flat.T).cpu().numpy(),
        (probabilities[:, sample, rival] - own[:, sample]).cpu().numpy(),
        (counts.cumsum(0) - counts).cpu().numpy(),
        contested.cpu().numpy(),
        (rival < labels[sample]).cpu().numpy(),
    )


def _joined(parts: Sequence[SplitScores]) -> SplitScores:
    firsts = np.cumsum([0, *(part.samples for part in parts)])
    places = np.cumsum([0, *(part.leads.shape[1] for part in parts)])
    return SplitScores(
        np.concatenate([part.true for part in parts], axis=1),
        sum((part.gram for part in parts), np.zeros_like(parts[0].gram)),
        np.concatenate([part.leads for part in parts], axis=1),
        np.concatenate([part.starts + place for part, place in zip(parts, places, strict=False)]),
        np.concatenate([part.contested + first for part, first in zip(parts, firsts, strict=False)]),
        np.concatenate([part.ties for part in parts]),
    )


def over_sets(how: str, losses: Iterator[Any] | Sequence[Any]) -> Any:
    """The mean, or the largest ("worst"), of losses of several sets; of one set, its own."""
    values = np.stack([np.asarray(loss) for loss in losses])
    return values.max(0) if how == WORST else values.mean(0)
