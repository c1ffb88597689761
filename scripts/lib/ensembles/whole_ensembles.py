"""Diversities of a whole ensemble, from which members are correct and which classes they predict.

Defined in docs/measures.md; computed from counts, which shards can add. Sources: Kuncheva & Whitaker 2003; Fleiss 1971.
"""

import numpy as np

from scripts.lib.ensembles.counts import Tally
from scripts.lib.ensembles.sums import ratio, sum_over_pairs


def ensemble_measures(tally: Tally, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """The classic measures of the ensembles `chosen`, bool [E, M], by name, float64 [E] each.

    With l of L members correct on a sample: Σ l² is the sum of `joint` over ordered pairs; p(2) of the generalised
    diversity is the mean double fault; the coincident failure diversity needs, besides the mean error, only how often
    all are correct; and the entropy only Σ min(l, L - l). NaN for an ensemble of one member, and where a measure is not
    defined: the generalised diversity if no member ever errs (then coincident failure diversity is 0), the interrater
    agreement also if all always err, Fleiss' kappa if all predict one class only.
    """
    size, samples = chosen.sum(1), tally.samples
    right = chosen @ tally.joint.diagonal()
    errors = size * samples - right
    both_right = sum_over_pairs(chosen, tally.joint)  # ordered pairs, including a member with itself
    both_wrong = size**2 * samples - 2 * size * right + both_right - errors  # without a member with itself
    with_errors = samples - tally.unanimous
    several = np.where(size > 1, 1.0, np.nan)
    failures = ratio(size * with_errors - errors, (size - 1) * with_errors)
    spread = size * right - both_right  # Σ l (L - l)
    return {
        "kw_variance": several * spread / (samples * size**2),
        "generalised_diversity": several * (1 - ratio(both_wrong, (size - 1) * errors)),
        "coincident_failure_diversity": several * np.where(with_errors > 0, failures, 0),
        "interrater_agreement": several * (1 - ratio(spread * samples * size, (size - 1.0) * right * errors)),
        "entropy": several * ratio(tally.minority, samples * (size // 2)),
        "difficulty": several * (samples * both_right - right.astype(np.float64) ** 2) / (samples * size) ** 2.0,
        "fleiss_kappa": several * _fleiss_kappa(tally, chosen),
    }


def _fleiss_kappa(tally: Tally, chosen: np.ndarray) -> np.ndarray:
    """Agreement of the predicted classes beyond that of members who draw classes with the ensemble's frequencies."""
    size, samples, sums = chosen.sum(1), tally.samples, tally.of_members
    agreeing = sum_over_pairs(chosen, sums.agreeing) - size * samples  # ordered pairs, without a member with itself
    observed = ratio(agreeing, samples * size * (size - 1))
    same_class = sums.predicted @ sums.predicted.T.astype(np.float64)
    expected = sum_over_pairs(chosen, same_class) / (samples * size) ** 2.0
    # A member that predicts one class only has an expected agreement of 1 but for rounding.
    return ratio(observed - expected, np.where(expected < 1 - ROUNDING, 1 - expected, 0))


ROUNDING = 1e-12
