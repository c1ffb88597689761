"""How many ensembles a study evaluates. Needs only the standard library: the rules ask before any job."""

import math
from collections.abc import Sequence

# The largest number of members for which memory and kernels.consensus_sweep allow all ensembles.
MOST_MEMBERS = 20
MOST_ENSEMBLES = 2**MOST_MEMBERS - 1


def sizes_of(members: int, sizes: str | Sequence[int]) -> Sequence[int]:
    """ "all" means from 2 to M, and for more than 20 members from 2 to 20."""
    return range(2, min(members, MOST_MEMBERS) + 1) if isinstance(sizes, str) else sorted(set(sizes))


def is_exhaustive(members: int, sizes: str | Sequence[int]) -> bool:
    """Whether all ensembles of these sizes are evaluated: up to 1,048,575, which covers all sizes for 20 members."""
    return sum(math.comb(members, size) for size in sizes_of(members, sizes)) <= MOST_ENSEMBLES


def evaluated_ensembles(members: int, sizes: str | Sequence[int], per_size: int) -> int:
    """How many ensembles a study evaluates, drawn ones included."""
    of_size = [math.comb(members, size) for size in sizes_of(members, sizes)]
    return sum(of_size if is_exhaustive(members, sizes) else [min(count, per_size) for count in of_size])
