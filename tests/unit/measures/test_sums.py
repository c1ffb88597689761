"""The sums of shards, as tables and added."""

from pathlib import Path

import numpy as np
import torch

from scripts.lib.jobs.shards import GROUPS
from scripts.lib.jobs.storage import save_table
from scripts.lib.measures.sums import PairwiseSums, load_sums, sums_table
from tests.unit.measures.test_tables import MATRIX


def example_sums(samples: int) -> PairwiseSums:
    factors = torch.arange(2 * GROUPS, dtype=torch.float64).reshape(2, GROUPS, 1, 1)
    return PairwiseSums(samples, 3 * MATRIX, torch.stack([MATRIX, 2 * MATRIX]), factors * MATRIX)


def test_sums_of_shards_are_read_back_and_added(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{part}.parquet") for part in range(2)]
    for path, samples in zip(paths, (50, 30), strict=True):
        save_table(path, sums_table(example_sums(samples), ["b", "a", "c"]))
    sums = load_sums(paths, ["b", "a", "c"])
    assert sums.samples == 80
    expected = example_sums(50) + example_sums(30)
    for name in ("whole", "halves", "without"):
        np.testing.assert_array_equal(getattr(sums, name), getattr(expected, name))
    np.testing.assert_array_equal(sums.without[1, 3], 26 * MATRIX)
