"""JS divergence beside torch loops over the pairs: by the definition, and with each entropy computed once."""

import argparse

import common
import torch

from kernels import js_divergence


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


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int) -> None:
    compiled = torch.compile(with_entropies) if arguments.compile else None
    logits = torch.randn(members, samples, classes, generator=torch.Generator().manual_seed(0))
    p = logits.mul_(2).softmax(2).to(arguments.device)
    peers: dict[str, common.Work] = {
        "ours": lambda: js_divergence(p),
        "torch loop with entropies": lambda: with_entropies(p),
        "torch loop by definition": lambda: by_definition(p),
        **common.ceilings(arguments.device),
    }
    if compiled is not None:
        peers["torch.compile of the loop with entropies"] = lambda: compiled(p)
    torch.testing.assert_close(js_divergence(p).float(), with_entropies(p), rtol=1e-5, atol=2e-6)
    sizes = {"members": members, "samples": samples, "classes": classes}
    common.compare("js_divergence", sizes, peers, arguments, {})


def main() -> None:
    arguments = common.options(__doc__, members=[4, 8, 16], samples=[10_000] * 3, classes=[1000] * 3)
    for sizes in zip(arguments.members, arguments.samples, arguments.classes, strict=True):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
