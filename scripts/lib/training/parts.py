"""The parts of a batch that are computed one after the other; needs only the standard library."""


def number_of_parts(images: int, at_once: int | None) -> int:
    """How many parts of at most `at_once` images a batch has (None: it is not divided)."""
    return -(-images // (at_once or images))


def smallest_part(images: int, at_once: int | None) -> int:
    """Images of the smallest part: all parts have as many images, or one more."""
    return images // number_of_parts(images, at_once)
