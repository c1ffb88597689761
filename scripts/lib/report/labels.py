"""How figures and the report write the content of the tables: titles for identifiers, and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.measures.spec import MEASURES, Quantity, measure_of_diversity
from scripts.lib.statistics.names import GAINS, MEMBER_ACCURACY

if TYPE_CHECKING:
    import polars as pl


IMPROVEMENTS = {
    "over_mean": "Improvement over the mean member",
    "over_best": "Improvement over the best member",
    "over_baseline": "Improvement over the baseline member",
}


@dataclass(frozen=True)
class Outcome:
    """What an effect is on: its name in captions, the unit of a difference, and how many digits to show."""

    title: str
    unit: str
    digits: int


OUTCOMES = {
    "accuracy": Outcome("accuracy", "percentage points", 2),
    "nll": Outcome("negative log-likelihood (NLL; positive is better)", "nats", 3),
}
TERMS = {"size": "Size", "member_accuracies": "Members' accuracies", "unexplained": "Not explained"}

# More ensembles than these are not drawn as points, which would take minutes and hide each other, but as a raster.
MOST_POINTS = 50_000

GAIN_TITLES = dict(
    zip(
        GAINS,
        ("accuracy of the ensemble under the shift", "improvement over the mean member under the shift"),
        strict=True,
    )
)

MOST_MAPS = 32  # members in the gallery of attribution maps; hundreds would make a picture of many metres

LIMIT = 0.05  # of q; docs/statistics.md says how often an effect is shown that is not there

# What captions, findings and the report say about effects and about plain correlations.
WHAT_EFFECTS_ARE = (
    "An effect is the difference in ensemble accuracy, in percentage points, that goes with one standard deviation of "
    "the diversity that is left after adjusting for the size of the ensemble and for the accuracy and the mean "
    "confidence of its members. It is an adjusted association, not proof of a cause. Diversity is measured on one half "
    "of the images and accuracy on the other, because on the same images chance would look like an effect. An effect "
    "on the negative log-likelihood (NLL) is in nats, positive where the NLL becomes smaller, and adjusted for the "
    "members' NLL and confidence."
)
HOW_EFFECTS_ARE_TESTED = (
    "Intervals over members leave out one member at a time and say what other members would have shown on these "
    "images. Intervals over images leave out one tenth of the images at a time and say what these members would have "
    "shown on other images. Those over both add the two variances and are rather too wide. p comes from permuting "
    "the members in the residual of a measure after regression on the members' accuracies and confidences; q is p "
    "after Benjamini-Hochberg over all effects on the same outcome. Without an effect, p alone is too small somewhat "
    "too often, so an effect is called shown only if q is below 0.05 and the interval over members excludes 0. The "
    "documentation (docs/statistics.md) has the error rates in simulated studies."
)
WHAT_DIFFERENCES_ARE = (
    "A difference is computed without each member and without each tenth of the images, like the effects themselves: "
    "effects from the same members and images share much of their chance, so two intervals do not show whether effects "
    "differ. Interval and p are those of Student's t over members and images; q is p after Benjamini-Hochberg over all "
    "differences on the same outcome. All differences are in effect_differences.parquet."
)
WHAT_SHARES_ARE = (
    "A share is what a term adds to the explained variance, averaged over all orders in which the terms can enter a "
    "regression (Lindeman, Merenda & Gold); shares are between 0 and 100 % and add up, together with what is not "
    "explained, to 100 %. They describe and test nothing: a diversity that only follows the members' accuracies has a "
    "share as well (but adds next to nothing to size and accuracies), and an interval that leaves out 0 is not a sign "
    "of an effect. Diversity is measured on one half of the images and accuracy on the other."
)
WHAT_EFFECTS_FROM_CLEAN_ARE = (
    "Before the shift, only diversity on the clean set is known. With the members' accuracies and confidences under "
    "the shift held fixed, only the images differ on which the diversity is measured: the effects tell whether "
    "diversity on clean images says the same as diversity under the shift. With those on the clean set held fixed, an "
    "effect says more about the ensemble under the shift than these do; it can also come about because "
    "diverse members are the more robust ones."
)
WHAT_PREDICTORS_ARE = (
    "Among ensembles of the same size, what is known on the clean set is correlated with the gain under the shift; "
    "nothing is held fixed. The predictor comes from one half of the images and the gain from the other. Where r is "
    "positive, ensembles that have more of it on the clean set gain more; where it is negative, they gain less. The "
    "accuracy of an ensemble under the shift is its gain over any one fixed model, up to a constant. The improvement "
    "over the mean member falls with the members' accuracy by arithmetic: it says which ensembles add most to their "
    "members, not which are the best. Intervals are over members and, for up to 100 members, over images; they are not "
    "adjusted for the number of predictors and sets."
)
WHAT_EFFECTIVE_ROBUSTNESS_IS = (
    "Effective robustness is the accuracy under shift minus the accuracy that the line of the single members gives for "
    "the accuracy on the clean set. Its interval has both sources of chance: other members (each is left out in turn) "
    "and other images (they are drawn again). Where the line is extrapolated, it rests on the assumption that it stays "
    "straight; where members hardly differ in accuracy, chance makes the line too flat and accurate ensembles seem too "
    "robust."
)
WHAT_REGRET_IS = (
    "Regret is the accuracy of the ensemble that is recommended for the shifted set, which was chosen on the selection "
    "split of that set, minus the accuracy of the ensemble that is recommended on the clean set. It is what labelled "
    "images of the shift would have been worth for the choice."
)
PLAIN_CORRELATIONS = (
    "This is a description and says nothing about causes: a measure that only follows the members' accuracies can "
    "correlate as well, because less accurate members often differ more and leave more to improve."
)
WHAT_P_TESTS = (
    "p tests “no relation at all, not even through accuracy” (Mantel's test), so a small p does not say that diversity "
    "matters beyond accuracy; the tables of effects address that. Partial r is r with the mean member accuracy held "
    "fixed."
)
# Which temperatures are applied, by the values of the column `scaling`.
SCALINGS = {"none": "not scaled", "members": "members scaled", "average": "average scaled"}
# Why a forecast has no temperature, by the values of the column `reason` of `temperatures.parquet`.
NO_TEMPERATURE = {
    "few_samples": "the selection split has too few samples (fewer than 50)",
    "one_hot": "one class has a probability of 1 on every sample",
}
WHAT_IS_SCALED = (
    "“Members scaled”: the logits of each member are divided by its own temperature before averaging. “Average "
    "scaled”: the average of the unscaled members has one temperature. All temperatures were fitted on the selection "
    "split of the first (clean) dataset only, by the negative log-likelihood."
)


@cache
def quantities() -> Mapping[str, Quantity]:
    """How each measure is shown (a similarity also as a diversity), and what is listed with the measures."""
    shown = {measure.name: measure.quantity for measure in MEASURES.values()}
    turned = [measure.dissimilarity for measure in MEASURES.values() if measure.dissimilarity is not None]
    accuracy = Quantity("Mean member accuracy", "%")
    return shown | {found.name: found.quantity for found in turned} | {MEMBER_ACCURACY: accuracy}


def quantity(measure: str) -> Quantity:
    """How a measure is shown. An unknown measure is shown by its identifier, in words."""
    return quantities().get(measure, Quantity(in_words(measure)))


def term_title(term: str) -> str:
    """A term of `variance_shares.parquet`: a measure, or something else that accuracy goes with."""
    return TERMS[term] if term in TERMS else quantity(term).title


def in_words(identifier: str) -> str:
    """An identifier as a title: `gaussian_noise` becomes "Gaussian noise"."""
    words = identifier.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def improvement_title(improvement: str) -> str:
    """`over_mean` in words."""
    return IMPROVEMENTS.get(improvement, f"Improvement {in_words(improvement).lower()}")


def consensus_title(consensus: str) -> str:
    """`average` in words."""
    return CONSENSUS_METHODS[consensus].title if consensus in CONSENSUS_METHODS else in_words(consensus).lower()


def improvement_column(improvement: str) -> str:
    """The column of an ensembles table for `over_mean`."""
    return f"improvement_{improvement}"


def column_of(measure: str) -> str:
    """The column of an ensembles table that a measure of `correlations.parquet` is made from."""
    found = measure_of_diversity(measure)
    return measure if found is None else found.name


def oriented(ensembles: pl.DataFrame, measure: str) -> pl.Series:
    """The column of an ensembles table for a measure of `correlations.parquet`, where more means more diverse."""
    import polars as pl  # not at the top, because the rules read the specs of figures, which import this module

    values = ensembles[column_of(measure)].cast(pl.Float64)
    found = measure_of_diversity(measure)
    return values if found is None else found.as_diversity(values)


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
