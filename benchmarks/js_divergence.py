"""JS divergence beside loops over the pairs: torch's by the definition and with each entropy computed once, scipy's.

scipy's jensenshannon is timed on 200 samples and its time multiplied. Operations: one logarithm per class, sample and
pair, M² N C / 2.
"""

import argparse
from itertools import combinations

import numpy as np
import torch
from scipy.spatial.distance import jensenshannon

from benchmarks import common
from kernels import js_divergence

SCIPY_SAMPLES = 200


def by_definition(p: torch.Tensor) -> torch.Tensor:
    result = torch.zeros(len(p), len(p), device=p.device)
    for a in range(len(p)):
        for b in range(a + 1, len(p)):
            log_middle = ((p[a] + p[b]) / 2).log()
            to_middle = p[a] * (p[a].log() - log_middle) + p[b] * (p[b].log() - log_middle)
            result[a, b] = result[b, a] = to_middle.sum(1).mean() / 2
    return result


def with_entropies(p: torch.Tensor) -> torch.Tensor:
    result, own = torch.zeros(len(p), len(p), device=p.device), torch.xlogy(p, p).sum(2)
    for a in range(len(p)):
        for b in range(a + 1, len(p)):
            middle = (p[a] + p[b]) / 2
            result[a, b] = result[b, a] = ((own[a] + own[b]) / 2 - torch.xlogy(middle, middle).sum(1)).mean()
    return result


def scipy_loop(p: np.ndarray) -> np.ndarray:
    pairs = combinations(p, 2)
    return np.array([(jensenshannon(first, second, axis=1) ** 2).mean() for first, second in pairs])


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int) -> None:
    logits = torch.randn(members, samples, classes, generator=torch.Generator().manual_seed(0))
    p = logits.mul_(2).softmax(2).to(arguments.device)
    few = p[:, :SCIPY_SAMPLES].cpu().numpy()
    peers: dict[str, common.Work] = {
        "ours": lambda: js_divergence(p),
        "ours, machine code for any size": common.at_any_size(lambda: js_divergence(p)),
        "torch loop with entropies": lambda: with_entropies(p),
        "torch loop by definition": lambda: by_definition(p),
        "scipy jensenshannon": lambda: scipy_loop(few),
    }
    if members <= 8 and (fused := common.compiled(with_entropies)):  # the loop is unrolled
        peers["torch.compile of the loop with entropies"] = lambda: fused(p)
    torch.testing.assert_close(js_divergence(p).float(), with_entropies(p), rtol=1e-5, atol=2e-6)
    sizes = {"members": members, "samples": samples, "classes": classes}
    operations = members**2 * samples * classes / 2
    scale = {"scipy jensenshannon": samples / few.shape[1]}
    common.compare("js_divergence", sizes, peers, arguments, operations, scale)


def main() -> None:
    arguments = common.options(
        __doc__,
        members=[4, 8, 16, 8, 8, 8, 8],
        samples=[10_000, 10_000, 10_000, 500, 2_000, 10_000, 10_000],
        classes=[1000, 1000, 1000, 1000, 1000, 10, 100],
    )
    for sizes in common.points(arguments, "members", "samples", "classes"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
