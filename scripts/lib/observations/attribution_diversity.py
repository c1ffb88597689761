"""Is attribution diversity less negatively correlated with the accuracy of ensembles than prediction diversity?

Both are correlated with the accuracy of the ensembles, among ensembles of the same size. Differences in precision
would decide on their own, because attributions are recorded for fewer images. Therefore

- both diversities are measured on the same images, those with attributions;
- the diversity is measured on one half of the images and the accuracy on the other half (all images), and the same with
  the halves exchanged;
- correlations are disattenuated (Spearman 1904): divided by the square root of the correlation between the diversity on
  the even and on the odd images, which is what noise leaves of a correlation with itself.

The verdict is on the difference of both on Fisher's z, on average over the validation sets. A correlation beyond ±0.99
counts as ±0.99, because disattenuation can lead beyond 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.lib.observations.claims import ATTRIBUTION_DIVERSITY
from scripts.lib.observations.verdict import Estimate, Verdict, above, estimate, undecided
from scripts.lib.statistics.adjusted import adjusted
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.scatter import scatter_of

DIFFERENCE = "difference_of_fisher_z"
FEWEST_MEMBERS = 5
LARGEST = 0.99
LEAST_RELIABILITY = 0.1


@dataclass(frozen=True)
class Diversities:
    """One validation set, in halves (0: even samples, 1: odd ones), of the members with attributions.

    `attributions` and `predictions` float64 [2, M, M] are how much two members differ in the same images, and
    `accuracies` float64 [2, E] are those of the ensembles, on all images.
    """

    name: str
    attributions: np.ndarray
    predictions: np.ndarray
    accuracies: np.ndarray


def verdict(chosen: np.ndarray, datasets: Sequence[Diversities]) -> Verdict:
    """The verdict over all validation sets; `chosen` bool [E, M] are the ensembles, in the order of their sizes."""
    members = chosen.shape[1]
    if members < FEWEST_MEMBERS or not len(chosen):
        reason = f"there must be ensembles of at least {FEWEST_MEMBERS} members with attributions"
        return undecided(ATTRIBUTION_DIVERSITY, DIFFERENCE, members, reason)
    ensembles, others, differences = Ensembles(chosen), [], []
    for dataset in datasets:
        of_attributions, of_predictions = _correlations(dataset, ensembles)
        difference = _fisher(of_attributions) - _fisher(of_predictions)
        differences.append(difference)
        others += [
            _estimate_of_correlation("correlation_of_attribution_diversity", of_attributions, dataset.name),
            _estimate_of_correlation("correlation_of_prediction_disagreement", of_predictions, dataset.name),
            estimate(DIFFERENCE, difference, dataset.name),
        ]
    deciding = estimate(DIFFERENCE, np.mean(differences, axis=0))
    reason = "" if np.isfinite(deciding.low) else "a diversity does not agree between the even and the odd images"
    return Verdict(ATTRIBUTION_DIVERSITY, above(0, deciding), deciding, others, members, reason)


def _correlations(dataset: Diversities, ensembles: Ensembles) -> tuple[np.ndarray, np.ndarray]:
    """Disattenuated correlations [1 + M] of both diversities, of all ensembles and without each member."""
    matrices = np.concatenate([dataset.attributions, dataset.predictions])
    both = adjusted(scatter_of(ensembles, matrices, dataset.accuracies), 0).partial(slice(0, 4), slice(0, 6))
    return _disattenuated(both, 0), _disattenuated(both, 2)


def _disattenuated(correlations: np.ndarray, even: int) -> np.ndarray:
    """Of the diversity in columns `even` and `even + 1`; the accuracies are in columns 4 (even) and 5 (odd)."""
    across = (correlations[:, even, 5] + correlations[:, even + 1, 4]) / 2
    reliability = correlations[:, even, even + 1]
    return np.asarray(across / np.sqrt(np.where(reliability > LEAST_RELIABILITY, reliability, np.nan)))


def _fisher(correlations: np.ndarray) -> np.ndarray:
    return np.asarray(np.arctanh(np.clip(correlations, -LARGEST, LARGEST)))


def _estimate_of_correlation(statistic: str, values: np.ndarray, dataset: str) -> Estimate:
    """The interval is computed on Fisher's z."""
    on_z = estimate(statistic, _fisher(values), dataset)
    value, low, high = (float(np.tanh(end)) for end in (on_z.value, on_z.low, on_z.high))
    return Estimate(statistic, value, low, high, dataset=dataset)
