"""Stored validation sets: the pixels, labels and ids that all members share."""

from dataclasses import dataclass

import numpy as np

from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, load_array, load_lines


@dataclass(frozen=True)
class ValidationSet:
    """A stored validation set: uint8 images [N, S, S, 3] (memory-mapped), int64 labels [N], and the sample ids."""

    images: np.ndarray
    labels: np.ndarray
    samples: list[str]

    @property
    def digest(self) -> str:
        return digest_of_lines(self.samples)


def load_validation_set(images: str, labels: str, samples: str, record: str) -> ValidationSet:
    """Open a stored validation set. Raises StudyError if its files are damaged or do not belong together."""
    require_undamaged(record, images=images, labels=labels, samples=samples)
    loaded = ValidationSet(load_array(images), load_array(labels), load_lines(samples))
    counts = {images: len(loaded.images), labels: len(loaded.labels), samples: len(loaded.samples)}
    if len(set(counts.values())) > 1:
        listing = ", ".join(f"{path}: {count}" for path, count in counts.items())
        raise StudyError(f"the files of a validation set have different numbers of samples ({listing}): delete them.")
    return loaded
