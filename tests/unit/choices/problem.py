"""Predictions of a few members with ties, extreme logits and equal members, for several test modules."""

import numpy as np
import torch

from scripts.lib.choices.split_scores import SplitScores, split_scores
from scripts.lib.inference.predictions import Predictions

CPU = torch.device("cpu")


def problem(
    members: int = 5, samples: int = 120, classes: int = 4, kind: str = "random", seed: int = 0
) -> tuple[Predictions, torch.Tensor, np.ndarray]:
    """Predictions, labels int64 [N], and probabilities float64 [M, N, C]."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, samples)
    logits = random.normal(size=(members, samples, classes)).astype(np.float32)
    logits[:, np.arange(samples), labels] += np.linspace(0, 1.5, members, dtype=np.float32)[:, None]
    if kind == "ties":
        logits = np.round(logits)
    elif kind == "extreme":
        logits *= 1e4
    elif kind == "equal":
        logits[:] = logits[:1]
    elif kind == "always right":
        logits[:, np.arange(samples), labels] += 100
    powers = np.exp(logits.astype(np.float64) - logits.max(2, keepdims=True))
    names = [f"m{number}" for number in range(members)]
    predictions = Predictions("clean", names, [str(row) for row in range(samples)], list(logits))
    return predictions, torch.from_numpy(labels), powers / powers.sum(2, keepdims=True)


def scored(members: int = 5, samples: int = 120, classes: int = 4, kind: str = "random", seed: int = 0) -> SplitScores:
    predictions, labels, _ = problem(members, samples, classes, kind, seed)
    return split_scores(predictions, labels, np.arange(samples), CPU)
