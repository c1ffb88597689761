"""The paper's observations in short, and how each is decided; needs only the standard library, as the report does."""

from dataclasses import dataclass

SUPPORTED, CONTRADICTED, UNDECIDED, NOT_TESTED = "supported", "contradicted", "undecided", "not tested here"
MARGIN = 0.5  # percentage points of effective robustness that are not worth mentioning


@dataclass(frozen=True)
class Observation:
    """A statement of the paper in short, and how it is decided; all texts are complete sentences for the report."""

    number: str
    claim: str
    statistic: str
    rule: str


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
)
NEEDS_JOINT_TRAINING = (
    "It needs members that were trained together (negative correlation learning); members are trained alone."
)
MEMBERS_TRAINED_TOGETHER = (
    Observation(
        "3",
        "A balanced loss of individual and ensemble accuracy gives more resilient ensembles.",
        NEEDS_JOINT_TRAINING,
        "Not tested.",
    ),
    Observation(
        "4",
        "Different architectures give more diversity than negative correlation learning, in predictions, attributions "
        "and activations.",
        NEEDS_JOINT_TRAINING,
        "Not tested.",
    ),
)

OBSERVATIONS = (RESILIENCE_OF_MEMBERS, RESILIENCE_OF_ENSEMBLES, ATTRIBUTION_DIVERSITY, *MEMBERS_TRAINED_TOGETHER)
