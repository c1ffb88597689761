"""The classic measures: on which samples is each of two members correct?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scripts.lib.measures.spec import Dissimilarity, Documentation, Measure, Quantity

if TYPE_CHECKING:
    import torch

    from scripts.lib.measures.recorded import Recorded


def _joint_correctness(recorded: Recorded, device: torch.device) -> torch.Tensor:
    """Number of samples that both members of a pair classify correctly, from which all classic measures follow."""
    import kernels
    from scripts.lib.inference.predictions import predicted_classes

    assert recorded.labels is not None  # they come with predictions
    correct = predicted_classes(recorded.arrays) == recorded.labels
    return kernels.joint_correctness(correct.to(device)).double()


def _of_joint(name: str) -> Callable[[torch.Tensor, int], torch.Tensor]:
    """The value of a measure that follows from the joint counts, by the function of its name in the kernels."""

    def value(sums: torch.Tensor, samples: int) -> torch.Tensor:
        from kernels import correctness_measures

        return getattr(correctness_measures, name)(sums.long(), samples)

    return value


ORACLE_DISAGREEMENT = Measure(
    name="oracle_disagreement",
    order=50,
    quantity=Quantity("Oracle disagreement", "%", 100),
    needs="predictions",
    sums=_joint_correctness,
    value=_of_joint("oracle_disagreement"),
    documentation=Documentation(
        definition="(b + c) / N, the share of samples that exactly one of the two members classifies correctly.",
        compares="correctness",
        range="0 to 1; 0 for a member with itself.",
        source="Kuncheva & Whitaker 2003, who call it the disagreement measure; Skalak 1996.",
    ),
)

DOUBLE_FAULT = Measure(
    name="double_fault",
    order=60,
    quantity=Quantity("Double fault", "%", 100),
    needs="predictions",
    sums=_joint_correctness,
    value=_of_joint("double_fault"),
    dissimilarity=Dissimilarity("one_minus_double_fault", Quantity("No double fault", "%", 100)),
    documentation=Documentation(
        definition=(
            "d / N, the share of all samples that both members classify wrongly, with the same class or with "
            "different ones."
        ),
        compares="correctness",
        range="0 to 1; for a member with itself, its error rate.",
        remarks="it is not the conditional share d / (b + c + d), which some libraries compute under this name.",
        source="Giacinto & Roli 2001; Kuncheva & Whitaker 2003.",
    ),
)

YULES_Q = Measure(
    name="yules_q",
    order=70,
    quantity=Quantity("Yule's Q", proper=True),
    needs="predictions",
    sums=_joint_correctness,
    value=_of_joint("yules_q"),
    dissimilarity=Dissimilarity("one_minus_yules_q", Quantity("1 − Yule's Q")),
    documentation=Documentation(
        definition="Q = (ad − bc) / (ad + bc).",
        compares="correctness",
        range="−1 to 1; 1 for a member with itself, 0 for independent members.",
        undefined="where ad + bc = 0, for example when one of the members classifies every sample correctly.",
        source="Yule 1900; Kuncheva & Whitaker 2003.",
    ),
)

CORRECTNESS_CORRELATION = Measure(
    name="correctness_correlation",
    order=80,
    quantity=Quantity("Correlation of correctness", "ρ"),
    needs="predictions",
    sums=_joint_correctness,
    value=_of_joint("correctness_correlation"),
    dissimilarity=Dissimilarity("one_minus_correctness_correlation", Quantity("Decorrelation of correctness", "1 − ρ")),
    documentation=Documentation(
        definition=(
            "ρ = (ad − bc) / √((a + b)(a + c)(c + d)(b + d)), Pearson's correlation of the two members' "
            "correctness (1 or 0 per sample); also known as the phi coefficient."
        ),
        compares="correctness",
        range="−1 to 1; 1 for a member with itself, 0 for independent members.",
        undefined="where one of the members classifies all samples correctly or none of them.",
        source="Kuncheva & Whitaker 2003.",
    ),
)

ERROR_CONSISTENCY = Measure(
    name="error_consistency",
    order=90,
    quantity=Quantity("Error consistency", "κ"),
    needs="predictions",
    sums=_joint_correctness,
    value=_of_joint("error_consistency"),
    dissimilarity=Dissimilarity("one_minus_error_consistency", Quantity("Error inconsistency", "1 − κ")),
    documentation=Documentation(
        definition=(
            "κ = (o − e) / (1 − e). o = (a + d) / N is the observed agreement in correctness. e = p₁p₂ + (1 − "
            "p₁)(1 − p₂) is the agreement that independent members with the accuracies p₁ = (a + b) / N and p₂ = "
            "(a + c) / N would have."
        ),
        compares="correctness",
        range="−1 to 1; 1 for a member with itself, 0 for independent members.",
        undefined="where e = 1: both members classify every sample correctly, or neither classifies any correctly.",
        remarks=(
            "it is Cohen's κ of correctness. Cohen's κ of the predicted classes, with e = Σₖ p₁ₖp₂ₖ over the "
            "classes, is a different measure."
        ),
        source="Geirhos, Meding & Wichmann 2020.",
    ),
)

RATIO_OF_ERRORS = Measure(
    name="ratio_of_errors",
    order=95,
    quantity=Quantity("Ratio of errors"),
    needs="predictions",
    sums=_joint_correctness,
    value=_of_joint("ratio_of_errors"),
    documentation=Documentation(
        definition=(
            "(b + c) / d, the number of samples that exactly one of the two members classifies wrongly, divided by "
            "the number that both classify wrongly."
        ),
        compares="correctness",
        range="0 and above; 0 for a member with itself.",
        undefined="where d = 0, so that no sample is classified wrongly by both.",
        remarks=(
            "this is DESlib's `ratio_errors`, which returns the largest float where d = 0. Aksela's own measure is "
            "another: among the samples on which both are wrong, the number with different classes divided by the "
            "number with the same class. One pair that shares few errors can decide the mean over the pairs of an "
            "ensemble, and one that shares none leaves the measure without effects and correlations."
        ),
        source="Cruz, Hafemann, Sabourin & Cavalcanti 2020 (DESlib), after Aksela 2003.",
    ),
)
