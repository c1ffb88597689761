"""Which samples a job reads, and how many at a time."""

from collections.abc import Iterator

# Shards and blocks start at multiples of this, so that minibatches of this size are the same however samples are
# divided among jobs and blocks.
MINIBATCH = 256
# Effects take the diversity from one of these halves of the samples and the accuracies from the other.
HALVES = ("even", "odd")
BLOCK_BYTES = 1 << 28


def shard(samples: int, part: int, parts: int) -> range:
    """The samples of part `part` (from 0) of `parts` nearly equal parts; empty if there are too few samples."""
    minibatches = -(-samples // MINIBATCH)
    start, stop = (minibatches * edge // parts * MINIBATCH for edge in (part, part + 1))
    return range(min(start, samples), min(stop, samples))


def blocks(rows: range, bytes_per_sample: int) -> Iterator[slice]:
    """Consecutive slices of `rows`, each of at most about 256 MiB, but of at least one minibatch."""
    step = max(1, BLOCK_BYTES // (bytes_per_sample * MINIBATCH)) * MINIBATCH
    return (slice(start, min(start + step, rows.stop)) for start in range(rows.start, rows.stop, step))


def half_sizes(samples: int) -> tuple[int, int]:
    """Numbers of even and of odd samples, which are counted from 0."""
    return -(-samples // 2), samples // 2
