"""Kernels that compute how different members are, and how good every ensemble of them is.

Each function takes torch tensors, runs on their device and refuses bad input with a `ValueError` that names the
argument and the first offending index. Definitions are in docs/measures.md, measurements in docs/kernels.md. The
package needs torch and numpy; numba and Triton make it fast. It imports nothing else of this project.

Every kernel reads in the same order: the idea, the public function, the implementation for the CPU (numba), the one for
the GPU (Triton), the one in plain torch, and last what several of these share. A function comes before those that it
calls. For the longest kernels, the parts for CPU and GPU are in separate modules, `*_numba` and `*_triton`.
"""

from .attribution_similarity import attribution_similarity
from .average_nll import average_nll
from .cka import cka, cka_of_sums, hsic_sums
from .consensus_order import consensus_order
from .consensus_sweep import consensus_sweep
from .disagreement import disagreement
from .joint_correctness import joint_correctness
from .js_divergence import js_divergence

__all__ = [
    "attribution_similarity",
    "average_nll",
    "cka",
    "cka_of_sums",
    "consensus_order",
    "consensus_sweep",
    "disagreement",
    "hsic_sums",
    "joint_correctness",
    "js_divergence",
]
