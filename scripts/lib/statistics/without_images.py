"""The evidence for effects without one group of images after the other, from which intervals over images are made.

Group g of the even and group g of the odd samples are left out together, so both halves lose a tenth of their images.
Sample i of a corrupted set is a copy of sample i of the clean one, so the same images are left out in all sets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.ensembles.halves import per_sample
from scripts.lib.ensembles.image_groups import GroupCounts, KeptInGroups, load_groups
from scripts.lib.statistics.diversities import read_without_groups
from scripts.lib.statistics.split_evidence import SplitEvidence, WithoutImages, nll_outcome


def with_fewer_images(
    datasets: Iterable[tuple[str, SplitEvidence]],
    files: Mapping[str, Sequence[str]],
    members: Sequence[str],
    compared: Mapping[str, Sequence[str]],
    chosen: np.ndarray,
    kept: KeptInGroups,
) -> Iterator[tuple[str, SplitEvidence]]:
    """Each dataset with its evidence, to which that without some images is added.

    `files` are the tables `ensembles_in_groups` of each dataset, and the arrays `pairs_in_groups` by dataset, and
    within it by measure. `chosen` bool [E, M] are all ensembles, and `kept` says which of them were kept in groups.
    Raises StudyError for a file that does not fit.
    """
    in_groups = files["ensembles_in_groups"]
    pairs = read_without_groups(files["pairs_in_groups"], len(in_groups), members, compared)
    for (dataset, evidence), counts, diversities in zip(datasets, in_groups, pairs, strict=True):
        loaded = load_groups([counts], len(members), len(kept.rows))
        evidence = replace(evidence, without_images=without_images(loaded, chosen, kept, diversities, evidence))
        yield dataset, evidence


def without_images(
    counts: GroupCounts,
    chosen: np.ndarray,
    kept: KeptInGroups,
    diversities: Mapping[str, np.ndarray],
    evidence: SplitEvidence,
) -> WithoutImages | None:
    """`counts` in groups of the members and of the `kept` ensembles of `chosen` bool [E, M], and `diversities`
    [2, G, M, M] without each group. None if there are no groups, as in a study of very many members, or if a group has
    no sample.
    """
    groups, members = counts.samples.shape[1], chosen.shape[1]
    if not counts.samples.all():
        return None
    left = _without(counts.samples)[..., None]
    accuracies = {name: 100 * per_sample(_without(right), left) for name, right in counts.right.items()}
    nll, confidence = (per_sample(_without(sums), left) for sums in (counts.nll, counts.confidence))
    found = []
    for group in range(groups):
        of_members = next(iter(accuracies.values()))[:, group, :members]
        confidences = confidence[:, group, :members]
        ensembles = {name: values[:, group, members:] for name, values in accuracies.items()}
        averages = dict.fromkeys(averaging(ensembles), nll[:, group, members:])
        scores = [nll_outcome(nll[:, group, :members], confidences, averages)] if evidence.scores else []
        matrices = {name: diversities[name][:, group] for name in evidence.diversities}
        found.append(SplitEvidence(of_members, confidences, ensembles, matrices, evidence.compared, scores))
    return WithoutImages(chosen[kept.rows], kept.of_members, found) if found else None


def _without(sums: np.ndarray) -> np.ndarray:
    """Sums over a half without each group [2, G, ...], from those over each group."""
    return sums.sum(1, keepdims=True) - sums
