"""Corrupted copies of a validation set: the four families of ImageNet-C (Hendrycks & Dietterich 2019)."""

import inspect
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.randomness import derive
from scripts.lib.jobs.storage import save_array, save_json, save_lines, save_rows

FAMILIES = {
    "noise": ["gaussian_noise", "shot_noise", "impulse_noise"],
    "blur": ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"],
    "weather": ["snow", "frost", "fog", "brightness"],
    "digital": ["contrast", "elastic_transform", "pixelate", "jpeg_compression"],
    "extra": ["speckle_noise", "gaussian_blur", "spatter", "saturate"],
}


def corrupt_set(
    original: ValidationSet,
    corruption: str,
    severity: int,
    seed: int,
    threads: int,
    images: str,
    labels: str,
    samples: str,
    record: str,
) -> None:
    """Write a corrupted copy of `original` with the same order and labels; each id states its corruption and severity.

    The corruptions of a family are distributed evenly over the images in random order. Every image has its own random
    stream, derived from `seed` and its id, so that the result does not depend on the number of processes.
    """
    names = deal(FAMILIES.get(corruption, [corruption]), len(original.samples), derive(seed, "deal", corruption))
    seeds = [derive(seed, corruption, sample) for sample in original.samples]
    corrupted = Parallel(threads, batch_size=32, return_as="generator")(
        delayed(corrupt_image)(image, name, severity, seed)
        for image, name, seed in zip(original.images, names, seeds, strict=True)
    )
    shown = progress(corrupted, f"corrupt by {corruption}", "image", total=len(names))
    save_rows(images, shown, len(names), original.images.shape[1:], "uint8")
    save_array(labels, original.labels)
    save_lines(samples, [f"{sample}@{name}-{severity}" for sample, name in zip(original.samples, names, strict=True)])
    save_json(record, {"checksums": checksums(images=images, labels=labels, samples=samples)})


def deal(names: list[str], count: int, seed: int) -> list[str]:
    """`count` names in random order, each (almost) equally often."""
    order = np.random.default_rng(seed).permutation(count)
    return [names[place % len(names)] for place in order]


def corrupt_image(image: np.ndarray, name: str, severity: int, seed: int) -> np.ndarray:
    """One corruption of one uint8 image [S, S, 3]; all of its randomness comes from `seed`."""
    from imagecorruptions import corrupt, corruptions

    # Most corruptions draw from NumPy's global generator; two take a seed and would otherwise use a fresh one.
    np.random.seed(seed)
    extra: dict[str, Any] = {}
    if "seed" in inspect.signature(getattr(corruptions, name)).parameters:
        extra["seed"] = seed
    return corrupt(np.asarray(image), corruption_name=name, severity=severity, **extra)
