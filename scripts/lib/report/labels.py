"""How figures and the report write the content of the tables: titles for identifiers, and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Quantity:
    """A measured quantity: its name in words, its unit, and the factor from the table's numbers to that unit."""

    title: str
    unit: str = ""
    factor: float = 1.0

    @property
    def label(self) -> str:
        """Name and unit, for an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


QUANTITIES = {
    "disagreement": Quantity("Prediction disagreement", "%", 100),
    "attribution_similarity": Quantity("Attribution similarity", "cosine"),
    "attribution_dissimilarity": Quantity("Attribution dissimilarity", "1 − cosine"),
    "activation_similarity": Quantity("Activation similarity", "CKA"),
    "activation_dissimilarity": Quantity("Activation dissimilarity", "1 − CKA"),
    "js_divergence": Quantity("Jensen-Shannon divergence", "nats"),
    "oracle_disagreement": Quantity("Oracle disagreement", "%", 100),
    "double_fault": Quantity("Double fault", "%", 100),
    "one_minus_double_fault": Quantity("No double fault", "%", 100),
    "yules_q": Quantity("Yule's Q"),
    "one_minus_yules_q": Quantity("1 − Yule's Q"),
    "correctness_correlation": Quantity("Correlation of correctness", "ρ"),
    "one_minus_correctness_correlation": Quantity("Decorrelation of correctness", "1 − ρ"),
    "error_consistency": Quantity("Error consistency", "κ"),
    "one_minus_error_consistency": Quantity("Error inconsistency", "1 − κ"),
    "attribution_pearson_similarity": Quantity("Attribution correlation", "Pearson's r"),
    "attribution_pearson_dissimilarity": Quantity("Attribution decorrelation", "1 − Pearson's r"),
    "attribution_spearman_similarity": Quantity("Attribution rank correlation", "Spearman's ρ"),
    "attribution_spearman_dissimilarity": Quantity("Attribution rank decorrelation", "1 − Spearman's ρ"),
    "attribution_topk_iou_similarity": Quantity("Attribution overlap", "IoU of the top 10 %"),
    "attribution_topk_iou_dissimilarity": Quantity("Attribution mismatch", "1 − IoU of the top 10 %"),
    "unbiased_activation_similarity": Quantity("Unbiased activation similarity", "CKA"),
    "unbiased_activation_dissimilarity": Quantity("Unbiased activation dissimilarity", "1 − CKA"),
    "mean_member_accuracy": Quantity("Mean member accuracy", "%"),
}

IMPROVEMENTS = {
    "over_mean": "Improvement over the mean member",
    "over_best": "Improvement over the best member",
    "over_baseline": "Improvement over the baseline member",
}

# What figures, the report and their captions say about p and about partial r.
WHAT_P_TESTS = (
    "p tests “no relation at all, not even through accuracy”. Permuting the members also breaks the relation between "
    "diversity and accuracy, so a small p does not say that diversity matters beyond accuracy."
)
BEYOND_ACCURACY = (
    "To judge that, look at partial r, which is r with the mean member accuracy held fixed. There is no interval and "
    "no calibrated test of it yet (both are planned)."
)

CONSENSUS = {"average": "averaging of probabilities", "vote": "majority vote"}


def quantity(measure: str) -> Quantity:
    """How a measure is shown. A measure without an entry above is shown by its identifier, in words."""
    return QUANTITIES.get(measure, Quantity(in_words(measure)))


def is_similarity(measure: str) -> bool:
    """Whether a pairwise measure is larger for members that are more alike."""
    return measure.endswith("_similarity") or f"one_minus_{measure}" in QUANTITIES


def in_words(identifier: str) -> str:
    """An identifier as a title: `gaussian_noise` becomes "Gaussian noise"."""
    words = identifier.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def improvement_title(improvement: str) -> str:
    """`over_mean` in words."""
    return IMPROVEMENTS.get(improvement, f"Improvement {in_words(improvement).lower()}")


def consensus_title(consensus: str) -> str:
    """`average` in words."""
    return CONSENSUS.get(consensus, in_words(consensus).lower())


def oriented(ensembles: pl.DataFrame, measure: str) -> pl.Series:
    """The column of an ensembles table for a measure of `correlations.parquet`, where more means more diverse."""
    import polars as pl  # not at the top: the specs of figures, which the rules read, take titles from this module

    if measure in ensembles.columns:
        return ensembles[measure].cast(pl.Float64)
    similarity = measure.replace("_dissimilarity", "_similarity").removeprefix("one_minus_")
    return 1 - ensembles[similarity].cast(pl.Float64)


def missing(value: float | None) -> bool:
    """Whether a table's cell holds no finite number."""
    return value is None or not math.isfinite(value)


def plain(value: float | None, digits: int = 2) -> str:
    """A number with a true minus, and a dash where there is no number."""
    if value is None or missing(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign, a true minus, and a dash where there is no number."""
    if value is None or missing(value):
        return "–"
    return f"{value:+.{digits}f}".replace("-", "−")


def probability(name: str, value: float, equals: str = " = ") -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return f"{name} < 0.001" if value < 0.0005 else f"{name}{equals}{value:.3f}"


def counted(number: int, noun: str) -> str:
    """`1 ensemble`, `247 ensembles`, `32 752 ensembles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", "\u202f")


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, last = list(words)
    return f"{', '.join(before)} and {last}" if before else last
