"""What effects are computed from: diversities and accuracies, each on the even and on the odd samples.

Diversity and accuracy that are measured on the same images share the chance of these images: members that happen to err
on different images there are called diverse, and their ensembles are accurate there. So effects take the diversity from
one half of the samples and the accuracies from the other. Sample i of a corrupted set is a copy of sample i of the
clean one, so an image is in the same half of all sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.ensembles.halves import Halves, load_ensembles, load_members
from scripts.lib.jobs.shards import HALVES
from scripts.lib.statistics.by_size import Ensembles, by_members, by_size
from scripts.lib.statistics.diversities import read_diversities


@dataclass(frozen=True)
class Outcome:
    """What ensembles should do well, in halves: index 0 is the even samples, index 1 the odd ones.

    `values` float64 [2, E] for each consensus, larger is better. `held_fixed` float64 [2, P, M] are the properties of
    the members of which effects on this outcome are independent.
    """

    name: str
    values: dict[str, np.ndarray]
    held_fixed: np.ndarray


@dataclass(frozen=True)
class SplitEvidence:
    """One dataset, in halves as in `Outcome`.

    `accuracies` float64 [2, M] and `outcomes` float64 [2, E] for each consensus are in percent; `confidences` float64
    [2, M] are the means of the members' largest probability. `diversities` has float64 [2, M, M] for each measure,
    turned so that more means more diverse. `compared` has the positions of the members that a measure compares, if
    these are not all. `scores` are outcomes other than accuracy. `without_images` is the same with fewer images, if
    intervals over images are to be made.
    """

    accuracies: np.ndarray
    confidences: np.ndarray
    outcomes: dict[str, np.ndarray]
    diversities: dict[str, np.ndarray]
    compared: dict[str, list[int]] = field(default_factory=dict)
    scores: list[Outcome] = field(default_factory=list)
    without_images: WithoutImages | None = None


@dataclass(frozen=True)
class WithoutImages:
    """The evidence without one group of images after the other, on some ensembles, `chosen` bool [E', M].

    `of_members` has, for each set of members that a measure compares, the rows int64 of its ensembles.
    """

    chosen: np.ndarray
    of_members: dict[tuple[int, ...], np.ndarray]
    evidence: list[SplitEvidence]

    def groups(self) -> list[list[SplitGroup]]:
        """The measures in groups of those that compare the same members, without each group of images."""
        parts = {}
        for members, rows in self.of_members.items():
            ensembles, places = by_size(self.chosen[rows][:, members])
            parts[members] = ensembles, rows[places]
        return [[_group(each, *of, *parts[of[0]]) for of in _by_members(each)] for each in self.evidence]


@dataclass(frozen=True)
class SplitGroup:
    """The members that some measures compare, their ensembles, and both halves of what is known about them."""

    accuracies: np.ndarray
    confidences: np.ndarray
    outcomes: dict[str, np.ndarray]
    diversities: dict[str, np.ndarray]
    ensembles: Ensembles
    scores: list[Outcome]

    def questions(self) -> list[Outcome]:
        """All outcomes, accuracy first."""
        held_fixed = np.stack([self.accuracies, self.confidences], axis=1)
        return [Outcome("accuracy", self.outcomes, held_fixed), *self.scores]


def nll_outcome(of_members: np.ndarray, confidences: np.ndarray, of_ensembles: dict[str, np.ndarray]) -> Outcome:
    """Negative log-likelihoods in nats, float64 [2, M] and, for each consensus, [2, E]; `confidences` [2, M].

    Both properties of the members are held fixed; `effects` says why.
    """
    smaller = {consensus: -values for consensus, values in of_ensembles.items()}
    return Outcome("nll", smaller, np.stack([of_members, confidences], axis=1))


def read_split_evidence(
    files: Mapping[str, Sequence[str]],
    datasets: Sequence[str],
    members: Sequence[str],
    compared: Mapping[str, Sequence[str]],
    ensembles: int,
) -> Iterator[tuple[str, SplitEvidence]]:
    """Each dataset with its evidence, read when its turn comes.

    `files` are the tables `accuracies` and `halves` of each dataset, and the `pairwise` ones by dataset, and within it
    by measure. `compared` names the members that each measure compares; `ensembles` is how many there are. Raises
    StudyError for a table that does not fit.
    """
    columns = [f"value_{half}" for half in HALVES]
    read = read_diversities(files["pairwise"], len(datasets), members, compared, columns)
    tables = zip(datasets, files["accuracies"], files["halves"], read, strict=True)
    for dataset, accuracies, halves, diversities in tables:
        of_members = load_members(accuracies)
        of_ensembles = load_ensembles(halves, int(of_members.samples.sum()), ensembles)
        yield (
            dataset,
            SplitEvidence(
                of_members.accuracies()["right"],
                _confidences(of_members),
                of_ensembles.accuracies(),
                diversities.matrices,
                diversities.compared,
                list(_scores(of_members, of_ensembles)),
            ),
        )


def _scores(of_members: Halves, of_ensembles: Halves) -> Iterator[Outcome]:
    """Outcomes other than accuracy, as far as they were recorded."""
    if of_members.nll is not None and of_ensembles.nll is not None:
        values = dict.fromkeys(averaging(of_ensembles.right), of_ensembles.nll)
        yield nll_outcome(of_members.nll, _confidences(of_members), values)


def _confidences(of_members: Halves) -> np.ndarray:
    assert of_members.confidence is not None, "every table of accuracies has them"
    return of_members.confidence


def groups_of(evidence: SplitEvidence, ensembles: Ensembles, rows: np.ndarray) -> Iterator[SplitGroup]:
    """The measures in groups of those that compare the same members.

    `ensembles` are those of at least two members, by size, and `rows` int [E] says which row of the outcomes each is.
    """
    for members, names in _by_members(evidence):
        complete = len(members) == evidence.accuracies.shape[1]
        inside, part = (slice(None), ensembles) if complete else ensembles.part(members)
        yield _group(evidence, members, names, part, rows[inside])


def _by_members(evidence: SplitEvidence) -> Iterable[tuple[tuple[int, ...], list[str]]]:
    return by_members(evidence.diversities, evidence.compared, evidence.accuracies.shape[1]).items()


def _group(
    evidence: SplitEvidence, members: tuple[int, ...], names: list[str], ensembles: Ensembles, rows: np.ndarray
) -> SplitGroup:
    own: Any = np.array(members)
    return SplitGroup(
        evidence.accuracies[:, own],
        evidence.confidences[:, own],
        {consensus: values[:, rows] for consensus, values in evidence.outcomes.items()},
        {name: evidence.diversities[name][:, own[:, None], own] for name in names},
        ensembles,
        [_part(outcome, own, rows) for outcome in evidence.scores],
    )


def _part(outcome: Outcome, members: Any, rows: np.ndarray) -> Outcome:
    values = {consensus: of_all[:, rows] for consensus, of_all in outcome.values.items()}
    return Outcome(outcome.name, values, outcome.held_fixed[:, :, members])
