"""Counts of correct answers: against a plain loop, and shards that add up to the whole."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, LOGARITHMS
from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.counts import Tally, load_tallies, samples_right, save_tallies
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.shards import shard
from tests.unit.conftest import counted, subsets, tally_of

CPU = torch.device("cpu")


def problem(members: int, samples: int = 700, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(members)
    labels = torch.randint(classes, (samples,), generator=generator)
    return torch.randn(members, samples, classes, generator=generator).softmax(2), labels


def same(first: Tally, second: Tally) -> None:
    assert first.samples == second.samples
    np.testing.assert_array_equal(first.joint, second.joint)
    np.testing.assert_array_equal(first.unanimous, second.unanimous)
    np.testing.assert_array_equal(first.minority, second.minority)
    assert first.right.keys() == second.right.keys()
    for consensus, counts in first.right.items():
        np.testing.assert_array_equal(counts, second.right[consensus])
    np.testing.assert_allclose(first.nll, second.nll, rtol=1e-13)
    np.testing.assert_array_equal(first.nll_clipped, second.nll_clipped)
    for field in fields(first.of_members):
        one, other = (getattr(each.of_members, field.name) for each in (first, second))
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


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


def counts_in_extended_precision(logits: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> dict[str, list[int]]:
    """Correct answers from sums of probabilities with 64 bits of precision (53 in float64)."""
    powers = np.exp(logits.astype(np.longdouble) - logits.max(2, keepdims=True))
    probabilities = powers / powers.sum(2, keepdims=True)
    favourites = np.eye(logits.shape[2])[logits.argmax(2)]
    found: dict[str, list[int]] = {"average": [], "vote": []}
    for ensemble in chosen:
        sums, votes = probabilities[ensemble].sum(0), favourites[ensemble].sum(0)
        found["average"].append(int((sums.argmax(1) == labels).sum()))
        among = np.where(votes == votes.max(1, keepdims=True), sums, -1)
        found["vote"].append(int((among.argmax(1) == labels).sum()))
    return found


def test_members_that_are_certain_and_disagree_are_decided_by_what_float32_rounds_to_1() -> None:
    """The largest probabilities are between 1 − 1e-6 and 1 − 1e-11."""
    random, samples = np.random.default_rng(5), 600
    logits = random.normal(size=(4, samples, 3)).astype(np.float32)
    favourites = random.integers(3, size=(4, samples, 1))
    highest = logits.max(2, keepdims=True) + random.uniform(14, 25, (4, samples, 1)).astype(np.float32)
    np.put_along_axis(logits, favourites, highest, 2)
    labels, chosen = random.integers(3, size=samples), subsets(4, [2, 3, 4])
    halves = counted(list(logits), torch.from_numpy(labels), chosen).halves
    both = halves[0] + halves[1]
    expected = counts_in_extended_precision(logits, labels, chosen)
    rounded = torch.from_numpy(logits).double().softmax(2).float()
    for consensus, numbers in expected.items():
        assert both.right[consensus].tolist() == numbers
        assert samples_right(rounded, torch.from_numpy(labels), chosen, consensus).tolist() != numbers


def test_shards_add_up_and_survive_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, labels = problem(4)
    chosen = subsets(4, "all")
    whole = tally_of(probabilities, labels, chosen)
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 1)
    names, logits = [str(member) for member in range(4)], [member.log().numpy() for member in probabilities]
    predictions = Predictions("clean", names, [str(row) for row in range(700)], logits)
    kinds = ("joint.npy", "counts.parquet", "scores.parquet")
    files = [[str(tmp_path / f"{part}.{kind}") for part in range(5)] for kind in kinds]
    for part, paths in enumerate(zip(*files, strict=True)):
        question = Question(chosen, ["average", "vote"])
        save_tallies(*paths, count_samples(predictions, labels, shard(700, part, 5), question, CPU).halves)
    even, odd = load_tallies(*files)
    same(even + odd, whole)
    same(even, tally_of(probabilities[:, ::2], labels[::2], chosen))
    same(odd, tally_of(probabilities[:, 1::2], labels[1::2], chosen))


def test_one_sample_is_even() -> None:
    probabilities, labels = problem(3)
    even, odd = counted([member[:1].log().numpy() for member in probabilities], labels[:1], subsets(3, "all")).halves
    assert (even.samples, odd.samples) == (1, 0)
    assert odd.joint.sum() == odd.unanimous.sum() == odd.minority.sum() == odd.right["vote"].sum() == 0


def test_ensembles_are_looked_up_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, labels = problem(24)
    chosen = subsets(24, "all")
    whole = tally_of(probabilities, labels, chosen)
    monkeypatch.setattr("scripts.lib.ensembles.patterns.BLOCK_ELEMENTS", 2000)
    same(tally_of(probabilities, labels, chosen), whole)


def test_every_consensus_is_counted_from_files_of_logits_also_where_probabilities_vanish() -> None:
    """Of a softmax in float64, logits that differ by 10 000 leave nothing but 0 and 1."""
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(4, 90, 5, generator=generator)
    logits[:, ::3] *= 1e4
    labels = torch.randint(5, (90,), generator=generator)
    predictions = Predictions("clean", list("abcd"), [str(n) for n in range(90)], list(logits.numpy()))
    chosen = subsets(4, "all")
    question = Question(chosen, list(CONSENSUS_METHODS))
    even, odd = count_samples(predictions, labels, range(90), question, CPU).halves
    right = (even + odd).right
    assert list(right) == list(CONSENSUS_METHODS)
    for way, method in CONSENSUS_METHODS.items():
        scores = logits.double().log_softmax(2) if method.form == LOGARITHMS else logits.double().softmax(2)
        expected = [int((method.decide(scores[row]) == labels).sum()) for row in chosen]
        assert right[way].tolist() == expected, way
    mean_logits = [int((logits[row].double().mean(0).argmax(1) == labels).sum()) for row in chosen]
    assert right["geometric"].tolist() == right["average_logits"].tolist() == right["product"].tolist() == mean_logits
    assert right["geometric"].tolist() != right["average"].tolist()
