"""Which samples a job reads, and how many at a time."""

from collections.abc import Iterator

# Shards and blocks start at multiples of this, so that minibatches of this size are the same however samples are
# divided among jobs and blocks.
MINIBATCH = 256
# Effects take the diversity from one of these halves of the samples and the accuracies from the other.
HALVES = ("even", "odd")
# Intervals over images leave out one of so many groups of the samples at a time. With more members than this, tables
# for each group would be too large.
GROUPS = 10
MOST_MEMBERS_OF_GROUPS = 100
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


def groups_of_images(members: int) -> int:
    """Into how many groups each half of the samples is divided: none for a study of very many members."""
    return GROUPS if members <= MOST_MEMBERS_OF_GROUPS else 0


def rows_of_group(start: int, half: int, group: int) -> slice:
    """The rows of a group of a half, in a block that starts at the even sample `start`.

    Sample i is in half i % 2 and in group i // 2 % GROUPS, so a group is spread over all samples.
    """
    return slice(2 * ((group - start // 2) % GROUPS) + half, None, 2 * GROUPS)


def group_sizes(samples: int) -> list[list[int]]:
    """Numbers of samples of each group of the even samples, and of each group of the odd ones."""
    return [[len(range(samples)[rows_of_group(0, half, group)]) for group in range(GROUPS)] for half in (0, 1)]
