"""How different the members of an ensemble are, and how good every ensemble of them is.

Each function takes torch tensors, runs on their device and refuses bad input with a `ValueError` that names the
argument and the first offending index. The package needs torch and nothing else of this project.
"""

from kernels.attribution_similarity import attribution_similarity
from kernels.bits import unpack_bits
from kernels.cka import cka, cka_of_sums, hsic_sums
from kernels.consensus_sweep import consensus_bits, consensus_sweep
from kernels.disagreement import disagreement
from kernels.joint_correctness import joint_correctness
from kernels.js_divergence import js_divergence

__all__ = [
    "attribution_similarity",
    "cka",
    "cka_of_sums",
    "consensus_bits",
    "consensus_sweep",
    "disagreement",
    "hsic_sums",
    "joint_correctness",
    "js_divergence",
    "unpack_bits",
]
