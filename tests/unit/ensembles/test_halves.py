"""Counts on the even and on the odd samples, from tallies to tables and back to accuracies."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.ensembles.halves import halves_table, load_ensembles, load_members
from scripts.lib.ensembles.tables import accuracies_table
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_table
from tests.unit.conftest import subsets, tally_of


def test_accuracies_of_halves_are_those_of_the_samples_in_them(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(4, (21,), generator=generator)
    probabilities = (torch.randn(3, 21, 4, generator=generator)).softmax(2)
    chosen = subsets(3, "all")
    halves = [tally_of(probabilities[:, half::2], labels[half::2], chosen) for half in (0, 1)]
    save_table(tmp_path / "halves.parquet", halves_table(halves))
    save_table(tmp_path / "accuracies.parquet", accuracies_table("clean", ["a", "b", "c"], halves))
    of_members = load_members(str(tmp_path / "accuracies.parquet"))
    of_ensembles = load_ensembles(str(tmp_path / "halves.parquet"), 21, len(chosen))
    samples, members, right = of_members.samples, of_members.accuracies()["right"], of_ensembles.accuracies()
    assert samples.tolist() == of_ensembles.samples.tolist() == [11, 10]
    assert set(right) == {"average", "vote"}
    assert of_members.nll is not None
    assert of_members.confidence is not None
    assert of_ensembles.nll is not None
    correct = probabilities.argmax(2) == labels
    for half in (0, 1):
        np.testing.assert_allclose(members[half], 100 * correct[:, half::2].double().mean(1))
        sure = probabilities[:, half::2].double().amax(2).mean(1)
        np.testing.assert_allclose(of_members.confidence[half], sure, rtol=1e-6)
        true = probabilities[:, torch.arange(21), labels].double()[:, half::2].numpy()
        np.testing.assert_allclose(of_members.nll[half], -np.log(true).mean(1))
        averages = [true[inside].mean(0) for inside in chosen]
        np.testing.assert_allclose(of_ensembles.nll[half], [-np.log(each).mean() for each in averages], rtol=1e-6)
        for row, inside in enumerate(chosen):
            decided = probabilities[torch.from_numpy(inside)].double().mean(0).argmax(1) == labels
            assert right["average"][half, row] == 100 * decided[half::2].sum() / samples[half]


def test_a_half_without_samples_has_no_accuracy(tmp_path: Path) -> None:
    save_table(tmp_path / "halves.parquet", pl.DataFrame({"vote_even": [1, 0], "vote_odd": [0, 0]}))
    found = load_ensembles(str(tmp_path / "halves.parquet"), 1, 2)
    np.testing.assert_array_equal(found.accuracies()["vote"], [[100, 0], [np.nan, np.nan]])
    assert found.nll is None


def test_a_table_of_other_ensembles_is_refused(tmp_path: Path) -> None:
    save_table(tmp_path / "halves.parquet", pl.DataFrame({"vote_even": [1, 0], "vote_odd": [0, 0]}))
    with pytest.raises(StudyError, match=r"halves.parquet has 2 rows, not one for each of the 3 ensembles"):
        load_ensembles(str(tmp_path / "halves.parquet"), 2, 3)
