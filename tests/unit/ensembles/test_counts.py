"""Counts of correct answers: against a plain loop, and shards that add up to the whole."""

from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.lib.ensembles.counts import Tally, load_tallies, save_tally, tally
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.shards import shard
from tests.unit.conftest import subsets, tally_of

CPU = torch.device("cpu")


def problem(members: int, samples: int = 700, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(members)
    labels = torch.randint(classes, (samples,), generator=generator)
    return torch.randn(members, samples, classes, generator=generator).softmax(2), labels


def same(first: Tally, second: Tally) -> None:
    assert first.samples == second.samples
    np.testing.assert_array_equal(first.joint, second.joint)
    np.testing.assert_array_equal(first.unanimous, second.unanimous)
    assert first.right.keys() == second.right.keys()
    for consensus, counts in first.right.items():
        np.testing.assert_array_equal(counts, second.right[consensus])


@pytest.mark.parametrize(("members", "sizes"), [(2, "all"), (5, "all"), (5, [1, 2]), (30, "all")])
def test_counts_are_those_of_a_plain_loop(members: int, sizes: str | list[int]) -> None:
    probabilities, labels = problem(members)
    chosen = subsets(members, sizes)
    counted = tally_of(probabilities, labels, chosen)
    correct = probabilities.argmax(2) == labels
    np.testing.assert_array_equal(counted.joint, (correct[:, None] & correct[None]).sum(2))
    for row, ensemble in enumerate(map(np.flatnonzero, chosen)):
        average = probabilities[ensemble].double().mean(0).argmax(1)
        assert counted.right["average"][row] == (average == labels).sum()
        assert counted.unanimous[row] == correct[ensemble].all(0).sum()


def test_shards_add_up_and_survive_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, labels = problem(4)
    chosen = subsets(4, "all")
    whole = tally_of(probabilities, labels, chosen)
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 1)
    names, logits = [str(member) for member in range(4)], [member.log().numpy() for member in probabilities]
    predictions = Predictions("clean", names, [str(row) for row in range(700)], logits)
    joint, counts = ([str(tmp_path / f"{part}.{kind}") for part in range(5)] for kind in ("npy", "parquet"))
    for part, paths in enumerate(zip(joint, counts, strict=True)):
        rows = shard(700, part, 5)
        save_tally(*paths, tally(predictions, labels, rows, chosen, ["average", "vote"], CPU))
    same(load_tallies(joint, counts), whole)


def test_ensembles_are_looked_up_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, labels = problem(6)
    chosen = subsets(6, "all")
    whole = tally_of(probabilities, labels, chosen)
    monkeypatch.setattr("scripts.lib.ensembles.counts.BLOCK_ELEMENTS", 2000)
    same(tally_of(probabilities, labels, chosen), whole)
