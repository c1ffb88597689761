"""The paper's observations in short, and how each is decided; needs only the standard library, as the report does."""

from dataclasses import dataclass

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
# The names of numbers in the table of verdicts that decide on members that were trained together.
OVER_INDEPENDENT, OVER_ENSEMBLE_ONLY = "points_over_independent_members", "points_over_ensemble_loss"
IN_DIVERSITY = {axis: f"difference_in_diversity_of_{axis}" for axis in ("predictions", "attributions", "activations")}
MARGIN = 0.5  # percentage points of effective robustness that are not worth mentioning


ALL_SETS = "mean over all sets"


@dataclass(frozen=True)
class Observation:
    """A statement of the paper in short, and how it is decided; all texts are complete sentences for the report."""

    number: str
    claim: str
    statistic: str
    rule: str
    # What the numbers without a set are about, in the table of the report.
    over: str = "mean over the shifted sets"


RESILIENCE_OF_MEMBERS = Observation(
    "1a",
    "Architecture matters more for the resilience of a single model than its size or accuracy.",
    "Share ω² of the variance of the members' resilience (Φ⁻¹ of the accuracy on the shifted sets minus Φ⁻¹ of that on "
    "the clean set) that the architecture family explains beyond size and accuracy, minus the larger one of the "
    "shares that size (logarithm of the parameters) and clean accuracy explain beyond the other two.",
    "Supported if the interval of this difference is above 0, contradicted if it is below.",
)
RESILIENCE_OF_ENSEMBLES = Observation(
    "1b",
    "Ensembles of different architectures are typically not more resilient.",
    "Difference in effective robustness, in percentage points, between ensembles whose members are all of different "
    "architecture families and ensembles of one family, at the same size and the same accuracies of the members, on "
    "average over the shifted sets.",
    f"Supported if the whole interval is below {MARGIN} points, contradicted if it is above.",
)
ATTRIBUTION_DIVERSITY = Observation(
    "2",
    "Attribution diversity is less negatively correlated with the accuracy of an ensemble than prediction diversity.",
    "Difference on Fisher's z between two correlations with the accuracy of ensembles of one size: that of attribution "
    "diversity minus that of prediction disagreement, both measured on the images with attributions and corrected for "
    "the noise of few images, on average over the validation sets.",
    "Supported if the interval of the difference is above 0, contradicted if it is below.",
    over=ALL_SETS,
)
BALANCED_LOSS = Observation(
    "3",
    "A balanced loss of individual and ensemble accuracy gives more resilient ensembles.",
    "Difference in the accuracy of ensembles on the shifted sets, in percentage points and on average over the sets, "
    "between members that are trained on a balanced loss and those that are trained independently (weight 0), and the "
    "same between a balanced loss and the loss of the ensemble only (weight 1). For each seed, the balanced weight is "
    "chosen from the results of the other seeds on one half of the clean images, and judged on the other half of the "
    "shifted ones. The first number is the one that supports the claim least.",
    "Supported if the intervals of both differences are above 0, contradicted if one of them is below.",
)
ARCHITECTURES_OR_NCL = Observation(
    "4",
    "Different architectures give more diversity than negative correlation learning, in predictions, attributions "
    "and activations.",
    "Difference in mean pairwise diversity between independent members of different architectures and members of one "
    "architecture that are trained with a penalty on being alike (any term but the balanced loss), for each of the "
    "three. Of the penalties and weights whose members' mean accuracy on the clean set is within one point, up or "
    "down, of that of the different architectures, and that have the same cost of inference and the same training "
    "images, the one with the most diverse members counts. For each seed it is chosen from the results of the other "
    "seeds on one half of the images, and judged on the other half of all sets. The first number is the one that "
    "supports the claim least.",
    "Supported if the intervals of all three differences are above 0, contradicted if one of them is below.",
    over=ALL_SETS,
)

OBSERVATIONS = (
    RESILIENCE_OF_MEMBERS,
    RESILIENCE_OF_ENSEMBLES,
    ATTRIBUTION_DIVERSITY,
    BALANCED_LOSS,
    ARCHITECTURES_OR_NCL,
)
