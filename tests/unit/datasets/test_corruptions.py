"""Corrupted copies: reproducible image by image, evenly dealt, and really corrupted."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.datasets.corruptions import FAMILIES, corrupt_image, corrupt_set, deal
from scripts.lib.datasets.validation_sets import ValidationSet, load_validation_set
from tests.unit.conftest import coloured_validation_set

CORRUPTIONS = [name for names in FAMILIES.values() for name in names]


def corrupted(
    original: ValidationSet, folder: Path, corruption: str, severity: int = 2, seed: int = 0, threads: int = 1
) -> ValidationSet:
    files = {key: str(folder / f"{key}.out") for key in ("images", "labels", "samples", "record")}
    corrupt_set(original, corruption, severity, seed, threads, **files)
    return load_validation_set(**files)


def smooth_image(size: int) -> np.ndarray:
    """A gradient with a disc: neither flat, which blur would leave alone, nor noise."""
    rows, columns = np.mgrid[:size, :size] / size
    disc = (rows - 0.5) ** 2 + (columns - 0.4) ** 2 < 0.08
    return np.stack([200 * rows, 180 * columns, 60 + 150 * disc], axis=-1).astype(np.uint8)


def test_the_families_are_those_of_imagenet_c() -> None:
    assert {family: len(names) for family, names in FAMILIES.items()} == {
        "noise": 3,
        "blur": 4,
        "weather": 4,
        "digital": 4,
        "extra": 4,
    }
    assert len(set(CORRUPTIONS)) == 19


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_changes_an_image_and_only_its_values(name: str, size: int) -> None:
    image = smooth_image(size)
    before = image.copy()
    changed = corrupt_image(image, name, 3, seed=1)
    assert changed.shape == (size, size, 3)
    assert changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - image).mean() > 0.3
    assert (image == before).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_depends_on_its_seed_and_on_nothing_else(name: str) -> None:
    image = smooth_image(32)
    first = corrupt_image(image, name, 3, seed=1)
    np.random.random(17)
    assert (corrupt_image(image, name, 3, seed=1) == first).all()


@pytest.mark.parametrize("name", [*FAMILIES["noise"], "glass_blur", "motion_blur", "snow", "frost", "fog"])
def test_a_random_corruption_differs_from_image_to_image(name: str) -> None:
    image = smooth_image(32)
    assert (corrupt_image(image, name, 3, seed=1) != corrupt_image(image, name, 3, seed=2)).any()


def test_a_higher_severity_corrupts_more() -> None:
    image = smooth_image(64)
    change = [np.abs(corrupt_image(image, "gaussian_noise", s, 0).astype(int) - image).mean() for s in (1, 3, 5)]
    assert change[0] < change[1] < change[2]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11])
def test_corruptions_are_dealt_evenly(count: int) -> None:
    names = deal(["a", "b", "c"], count, seed=3)
    counts = Counter({"a": 0, "b": 0, "c": 0}) + Counter(names)
    assert len(names) == count
    assert max(counts.values(), default=0) - min((counts[name] for name in "abc"), default=0) <= 1


def test_corruptions_are_dealt_in_random_order() -> None:
    names = deal(["a", "b"], 40, seed=1)
    assert names == deal(["a", "b"], 40, seed=1)
    assert names != deal(["a", "b"], 40, seed=2)
    assert names != ["a", "b"] * 20


def test_a_copy_keeps_labels_and_order_and_each_id_tells_its_corruption(tmp_path: Path) -> None:
    original = coloured_validation_set(8)
    copy = corrupted(original, tmp_path, "digital")
    assert (copy.labels == original.labels).all()
    assert [sample.split("@")[0] for sample in copy.samples] == original.samples
    counts = Counter(sample.split("@")[1] for sample in copy.samples)
    assert counts == {f"{name}-2": 2 for name in FAMILIES["digital"]}
    assert (copy.images != original.images).any(axis=(1, 2, 3)).all()
    for row in range(8):  # nearer to its own original than to any other class's
        distance = np.abs(copy.images[row].astype(float) - original.images).mean((1, 2, 3))
        assert original.labels[distance.argmin()] == original.labels[row]


def test_a_single_corruption_is_that_one(tmp_path: Path) -> None:
    copy = corrupted(coloured_validation_set(3), tmp_path, "fog", severity=1)
    assert all(sample.endswith("@fog-1") for sample in copy.samples)


def test_the_result_depends_on_the_seed_but_not_on_processes_or_runs(tmp_path: Path) -> None:
    original = coloured_validation_set(70)  # more than a process takes at once
    alone = corrupted(original, tmp_path / "alone", "noise")
    again = corrupted(original, tmp_path / "again", "noise")
    shared = corrupted(original, tmp_path / "shared", "noise", threads=2)
    other = corrupted(original, tmp_path / "other", "noise", seed=1)
    for same in (again, shared):
        assert (same.images == alone.images).all()
        assert same.samples == alone.samples
    assert other.samples != alone.samples


def test_an_image_is_corrupted_alike_wherever_it_stands(tmp_path: Path) -> None:
    original = coloured_validation_set(6)
    reversed_set = ValidationSet(original.images[::-1], original.labels[::-1], original.samples[::-1])
    forth = corrupted(original, tmp_path / "forth", "gaussian_noise")
    back = corrupted(reversed_set, tmp_path / "back", "gaussian_noise")
    assert (forth.images == back.images[::-1]).all()
