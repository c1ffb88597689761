"""What an ensemble predicts: a value for each class, and the class that it decides for."""

from collections.abc import Sequence

import numpy as np
import torch

from scripts.lib.choices.split_scores import TIE
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, LOGARITHMS
from scripts.lib.predict.deployed import Deployed

SAMPLES_AT_ONCE = 4096  # values of all members and classes are in memory three times


def combined(choice: Deployed, logits: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Values float64 [N, C], which sum to 1 for each sample, and classes int64 [N].

    `logits` float [N, C] of each member come in the order of the choice's members. The values of an average are its
    probabilities, of the geometric mean its probabilities divided by their sum; of the other methods the shares of the
    votes or points, or the statistics divided by their sum, which are no probabilities.
    """
    starts = range(0, len(logits[0]), SAMPLES_AT_ONCE)
    parts = [_combined(choice, [member[start : start + SAMPLES_AT_ONCE] for member in logits]) for start in starts]
    values, classes = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(classes)


def _combined(choice: Deployed, logits: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    values = torch.stack([torch.from_numpy(np.asarray(member)).double() for member in logits])
    if choice.averages:
        temperatures = torch.tensor(choice.temperatures, dtype=torch.float64)[:, None, None]
        weights = torch.tensor(choice.weights, dtype=torch.float64)
        mixed = torch.einsum("m,mnc->nc", weights, (values / temperatures).softmax(2))
        # The first class whose probability is the largest but for rounding, as where the weights were chosen.
        return mixed.numpy(), (mixed >= mixed.amax(1, keepdim=True) - TIE).int().argmax(1).numpy()
    method = CONSENSUS_METHODS[choice.consensus]
    scores = values.log_softmax(2) if method.form == LOGARITHMS else values.softmax(2)
    return method.shares(scores).numpy(), method.decide(scores).numpy()
