"""What a forecast says of each sample, whether it is right, and the scores that follow from all samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from kernels.average_nll import FLOOR
from scripts.lib.ensembles.intervals import Z
from scripts.lib.ensembles.scores import BINS, bins_of, is_one_hot

# Logarithms that agree to so many digits are equal: they may come from sums in another order.
DIGITS = 9


@dataclass(frozen=True)
class Outcomes:
    """Of N samples: `confidence` float64 [N], the largest probability, and `correct` bool [N], whether it is right.

    `rest` float64 [N] is the logarithm of the other probabilities together. It ranks samples like their confidences,
    also those whose confidence differs from 1 by less than float64 can say.

    Of all other numbers only `sums` over samples are kept, because many forecasts are judged at once: `brier`, `nll`
    (nats), `clipped` (samples below the floor of `kernels.average_nll`) and, where they are defined, `change` and
    `squares` (of the NLL minus that of the same forecast without scaling, and of the square of this difference) and
    `ambiguity` (see `Forecast.ambiguity`).
    """

    confidence: np.ndarray
    rest: np.ndarray
    correct: np.ndarray
    sums: dict[str, float]


def nll_of_samples(log_probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of each sample in nats, from `log_probabilities` float64 [n, C] and `labels` int64 [n].

    A probability below the floor of `kernels.average_nll` counts as the floor.
    """
    return -_of_true_class(log_probabilities, labels).clamp(min=math.log(FLOOR))


def outcomes(log_probabilities: torch.Tensor, labels: torch.Tensor, **of_samples: torch.Tensor | None) -> Outcomes:
    """What `log_probabilities` float64 [n, C] say of samples with these `labels` int64 [n].

    Of several equal probabilities, the lowest class is the prediction. `of_samples` may have `unscaled`, the NLL of the
    same forecast without scaling, and `ambiguity`, float64 [n] each.
    """
    largest, predicted = log_probabilities.max(1)
    true, nll = _of_true_class(log_probabilities, labels).exp(), nll_of_samples(log_probabilities, labels)
    squares = (2 * log_probabilities).exp().sum(1)
    numbers = {"brier": squares - 2 * true + 1, "nll": nll, "clipped": true < FLOOR}
    if (unscaled := of_samples.get("unscaled")) is not None:
        numbers |= {"change": nll - unscaled, "squares": (nll - unscaled).square()}
    if (ambiguity := of_samples.get("ambiguity")) is not None:
        numbers |= {"ambiguity": ambiguity}
    sums = {name: float(values.sum()) for name, values in numbers.items()}
    rest = log_probabilities.scatter(1, predicted[:, None], -math.inf).logsumexp(1)
    return Outcomes(largest.exp().cpu().numpy(), rest.cpu().numpy(), (predicted == labels).cpu().numpy(), sums)


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """The outcomes of all samples, from those of blocks of samples in their order."""
    return Outcomes(
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.rest for part in parts]),
        np.concatenate([part.correct for part in parts]),
        {name: math.fsum(part.sums[name] for part in parts) for name in parts[0].sums},
    )


def scores(found: Outcomes) -> dict[str, float | int | None]:
    """All numbers of docs/measures.md on calibration, by the names of the columns; None where one is undefined."""
    samples, sums, curve = len(found.correct), found.sums, curve_of(found)
    gaps = curve["samples"] * (curve["accuracy"] / 100 - curve["mean_confidence"]).abs()
    ranked = by_confidence(found)
    return {
        "samples": samples,
        "accuracy": 100 * int(found.correct.sum()) / samples,
        "mean_confidence": float(found.confidence.mean()),
        "nll": sums["nll"] / samples,
        "nll_clipped": int(sums["clipped"]),
        **dict(zip(("nll_change", "nll_change_low", "nll_change_high"), _change(sums, samples), strict=True)),
        "brier": sums["brier"] / samples,
        "ambiguity": sums["ambiguity"] / samples if "ambiguity" in sums else None,
        "ece": float(gaps.sum()) / samples,
        "ece_equal_mass": _equal_mass_error(*ranked),
        "aurc": _area_under_risk_coverage(ranked[1]),
        "one_hot": int(is_one_hot(torch.from_numpy(found.confidence)).sum()),
    }


def curve_of(found: Outcomes) -> pl.DataFrame:
    """The calibration curve: for each of BINS bins, samples, mean_confidence (0 to 1) and accuracy in percent.

    The last two are null for an empty bin.
    """
    bins = bins_of(torch.from_numpy(found.confidence)).numpy()
    samples, confidence, right = (
        np.bincount(bins, weights, minlength=BINS) for weights in (None, found.confidence, found.correct)
    )
    columns = {"bin": np.arange(BINS, dtype=np.uint8), "samples": samples, "sum": confidence, "right": right}
    full = pl.when(pl.col("samples") > 0)
    return pl.DataFrame(columns).select(
        "bin",
        pl.col("samples").cast(pl.UInt32),
        full.then(pl.col("sum") / pl.col("samples")).alias("mean_confidence"),
        full.then(100 * pl.col("right") / pl.col("samples")).alias("accuracy"),
    )


def by_confidence(found: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Confidences in descending order, and the expected correctness (0 to 1) at each rank, float64 [N] each.

    Samples of equal confidence have no order. Each gets their mean correctness, which is what a random order gives on
    average, so that nothing depends on the order of the samples.
    """
    _, place, counts = np.unique(np.round(found.rest, DIGITS), return_inverse=True, return_counts=True)
    confidence, shares = (np.bincount(place, values) / counts for values in (found.confidence, found.correct))
    return np.repeat(confidence, counts), np.repeat(shares, counts)


def _equal_mass_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Bin b of BINS has the ranks from b N / BINS to (b + 1) N / BINS, both rounded down."""
    gaps = np.concatenate([[0.0], np.cumsum(correct - confidence)])
    edges = np.arange(BINS + 1) * len(correct) // BINS
    return float(np.abs(np.diff(gaps[edges])).sum() / len(correct))


def _area_under_risk_coverage(correct: np.ndarray) -> float:
    """The mean over n of the expected error rate among the n most confident samples."""
    errors = np.cumsum(1 - correct)
    return float((errors / np.arange(1, len(errors) + 1)).mean())


def _change(sums: dict[str, float], samples: int) -> tuple[float | None, float | None, float | None]:
    """The mean change of the NLL and its 95 % interval over samples (normal); no interval for one sample."""
    if "change" not in sums:
        return None, None, None
    mean = sums["change"] / samples
    if samples < 2:
        return mean, None, None
    variance = max(sums["squares"] - samples * mean**2, 0) / (samples - 1)
    half = Z * math.sqrt(variance / samples)
    return mean, mean - half, mean + half


def _of_true_class(values: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return values.gather(1, labels[:, None])[:, 0]
