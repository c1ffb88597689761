"""Proper scores and calibration of members: sums over samples, which shards add, and the scores that follow from them.

The Brier score of an average of probabilities follows from sums over pairs of members, so `MemberSums` is all that the
Brier scores of any number of ensembles need. Their negative log-likelihoods have no such sums: `kernels.average_nll`
computes them.
"""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
import torch

# Bins of equal width of the expected calibration error, as in Guo et al. 2017.
BINS = 15


@dataclass(frozen=True)
class MemberSums:
    """Sums over samples n, of the probabilities p_i of each of M members; y is the true class.

    `gram` float64 [M, M]: Σ ⟨p_i, p_j⟩. `true` float64 [M]: Σ p_i(y). `nll` float64 [M]: Σ −ln p_i(y) in nats, and
    `nll_clipped` int64 [M]: the samples whose p_i(y) is below the floor of `kernels.average_nll`, which counts instead.
    `gaps` float64 [M, BINS]: over the samples of each bin of confidence, correct answers (1 or 0) minus confidence.
    `one_hot` int64 [M]: the samples whose largest probability is 1 as a float32. `predicted` int64 [M, C]: the samples
    for which each class is predicted; `agreeing` int64 [M, M]: those for which two members predict the same one.
    """

    gram: np.ndarray
    true: np.ndarray
    nll: np.ndarray
    nll_clipped: np.ndarray
    gaps: np.ndarray
    one_hot: np.ndarray
    predicted: np.ndarray
    agreeing: np.ndarray

    @classmethod
    def zeros(cls, members: int, classes: int) -> "MemberSums":
        number, count = np.zeros(members), np.zeros(members, np.int64)
        of_classes, of_pairs = np.zeros((members, classes), np.int64), np.zeros((members, members), np.int64)
        gaps = np.zeros((members, BINS))
        return cls(np.zeros((members, members)), number, number, count, gaps, count, of_classes, of_pairs)

    def __add__(self, other: "MemberSums") -> "MemberSums":
        return MemberSums(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def as_table(self) -> pl.DataFrame:
        """One row per member; four columns are lists."""
        return pl.DataFrame({one.name: pl.Series(getattr(self, one.name)) for one in fields(self)})

    @classmethod
    def of_table(cls, table: pl.DataFrame) -> "MemberSums":
        """What `as_table` made a table of."""
        return cls(*(table[one.name].to_numpy() for one in fields(cls)))

    def scores(self, samples: int) -> dict[str, np.ndarray]:
        """The proper scores float64 [M] of each member, by name; see docs/measures.md."""
        return {
            "nll": self.nll / samples,
            "brier": brier_score(self.gram.diagonal(), self.true, np.ones(len(self.true)), samples),
        }

    def confidence(self, right: np.ndarray) -> np.ndarray:
        """The sum of the largest probabilities float64 [M], given the numbers of correct answers int64 [M]."""
        return right - self.gaps.sum(1)

    def calibration_error(self, samples: int) -> np.ndarray:
        """The expected calibration error float64 [M], from 0 to 1."""
        return np.abs(self.gaps).sum(1) / samples


def brier_score(pairs: np.ndarray, true: np.ndarray, size: np.ndarray, samples: int) -> np.ndarray:
    """Mean of ‖p̄ − y‖² over samples, float64 [E], where p̄ is the average of `size` [E] members' probabilities.

    `pairs` is the sum of `MemberSums.gram` over the ordered pairs of the members, each with itself included, and `true`
    the sum of `MemberSums.true` over the members, [E] each.
    """
    return (pairs / size**2 - 2 * true / size) / samples + 1


def sums_of_members(
    probabilities: torch.Tensor, labels: torch.Tensor, predicted: torch.Tensor, nll: tuple[np.ndarray, np.ndarray]
) -> MemberSums:
    """The sums over some samples.

    `probabilities` float64 [M, N, C], `labels` int64 [N], `predicted` int64 [M, N]: the members' classes. `nll` has the
    members' sums of negative log-likelihoods and their clipped samples, which are computed with the ensembles'. What is
    counted of predicted classes is left out (0); see `patterns`.
    """
    nothing = MemberSums.zeros(len(probabilities), probabilities.shape[2])
    flat, confidence = probabilities.flatten(1), probabilities.amax(2)
    gaps = (predicted == labels).double() - confidence
    bins = bins_of(confidence)
    # Not `scatter_add`, whose order of additions changes from run to run on a GPU.
    of_bins = torch.stack([(gaps * (bins == number)).sum(1) for number in range(BINS)], dim=1)
    return MemberSums(
        (flat @ flat.T).cpu().numpy(),
        true_probabilities(probabilities, labels).sum(1).cpu().numpy(),
        *nll,
        of_bins.cpu().numpy(),
        is_one_hot(confidence).sum(1).cpu().numpy(),
        nothing.predicted,
        nothing.agreeing,
    )


def bins_of(confidence: torch.Tensor) -> torch.Tensor:
    """The bin int64 of each confidence float64: bin b holds b / BINS < confidence <= (b + 1) / BINS."""
    edges = torch.arange(BINS + 1, dtype=torch.float64, device=confidence.device) / BINS
    return (torch.bucketize(confidence, edges) - 1).clamp(0, BINS - 1)  # rounding may put a confidence above 1


def is_one_hot(confidence: torch.Tensor) -> torch.Tensor:
    """Of which samples the largest probability, float64, is 1 as a float32, so that the others are as good as 0."""
    return confidence.float() == 1


def true_probabilities(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """What each member gives to the true class, [M, N], from probabilities [M, N, C] and labels int64 [N]."""
    return probabilities[:, torch.arange(len(labels), device=labels.device), labels]
