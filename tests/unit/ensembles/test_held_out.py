"""Chosen ensembles on the evaluation split, against a plain loop."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.ensembles.held_out import DIFFERENCES, RESAMPLES, SCHEMA, held_out, resampled
from scripts.lib.ensembles.intervals import paired_interval, wilson_interval
from scripts.lib.ensembles.selection import Samples
from scripts.lib.inference.predictions import Predictions

M, N, C = 5, 80, 4
CPU = torch.device("cpu")
WAYS = ["average", "vote"]


def samples_of(seed: int = 0, members: int = M) -> tuple[Samples, np.ndarray, np.ndarray]:
    """Samples, their probabilities float64 [M, N, C], and labels."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, C, N)
    logits = generator.normal(size=(members, N, C)).astype(np.float32)
    logits[:, np.arange(N), labels] += np.linspace(0.5, 1.5, members)[:, None]
    powers = np.exp(logits.astype(np.float64))
    predictions = Predictions("noise", [str(member) for member in range(members)], [""] * N, list(logits))
    return Samples(predictions, torch.from_numpy(labels), CPU), powers / powers.sum(2, keepdims=True), labels


def deployed(lists: list[list[int]], accuracies: list[float]) -> pl.DataFrame:
    """As deployment would have chosen them; the front of costs is there too, and does not count."""
    rows: list[dict[str, Any]] = [
        {"consensus": way, "chosen_for": purpose, "size": len(members), "members": members, "selection_accuracy": value}
        for way in WAYS
        for purpose in ("size", "cost")
        for members, value in zip(lists, accuracies, strict=True)
    ]
    return pl.DataFrame(rows, schema_overrides={"size": pl.UInt16, "members": pl.List(pl.UInt16)})


CHOSEN = deployed([[4], [3, 4], [1, 3, 4]], [70.0, 75.0, 75.0])
OWN = deployed([[3], [2, 3], [0, 1, 2]], [50.0, 55.0, 60.0])


def test_every_ensemble_is_judged_on_the_samples_as_a_plain_loop_would() -> None:
    samples, probabilities, labels = samples_of()

    def right(members: list[int]) -> np.ndarray:
        answers: np.ndarray = probabilities[members].mean(0).argmax(1) == labels
        return answers

    table, correct = held_out(samples, CHOSEN, OWN, WAYS, same_split=True)
    assert dict(table.schema) == SCHEMA
    assert table.filter(kind="member")["members"].to_list() == [[member] for member in range(M)]
    found = table.filter(consensus="average")
    assert found["kind"].to_list() == ["chosen", "chosen", "chosen", "all", "own"]
    assert found["members"].to_list() == [[4], [3, 4], [1, 3, 4], [0, 1, 2, 3, 4], [0, 1, 2]]
    assert found["recommended"].to_list() == [False, True, False, False, False]
    for row in [*table.filter(kind="member").to_dicts(), *found.to_dicts()]:
        ours = right(row["members"])
        low, high = wilson_interval(np.array([ours.sum()]), N)
        assert (row["right"], row["samples"]) == (ours.sum(), N)
        assert (row["accuracy"], row["low"], row["high"]) == pytest.approx((100 * ours.mean(), low[0], high[0]))
        assert (row["dataset"], row["same_split"]) == ("noise", True)
    assert len(correct) == len(table)
    np.testing.assert_array_equal(correct.sum(1), table["right"])
    alone, own = right([4]), right([0, 1, 2])
    for row in found.to_dicts():
        ours = right(row["members"])
        for name, (first, second) in {"over_best": (ours, alone), "regret": (own, ours)}.items():
            only = np.array([(first & ~second).sum()]), np.array([(second & ~first).sum()])
            low, high = paired_interval(*only, N)
            ends = row[f"{name}_low"], row[f"{name}_high"]
            assert ends == pytest.approx((low.item(), high.item()))
            value = row["over_best_member" if name == "over_best" else name]
            assert value == pytest.approx(100 * (first.mean() - second.mean()))


def test_votes_are_counted_for_votes() -> None:
    samples, probabilities, labels = samples_of()
    table = held_out(samples, CHOSEN, OWN, WAYS, same_split=True)[0].filter(consensus="vote", kind="all")
    votes = np.eye(C)[probabilities.argmax(2)].sum(0) + 1e-4 * probabilities.sum(0)
    assert table["right"].item() == (votes.argmax(1) == labels).sum()


def test_members_have_neither_regret_nor_lead_and_the_clean_set_has_no_regret() -> None:
    samples, *_ = samples_of()
    clean, _ = held_out(samples, CHOSEN, None, WAYS, same_split=True)
    assert set(clean["kind"]) == {"member", "chosen", "all"}
    assert clean["regret"].is_null().all()
    assert clean.filter(pl.col("kind") != "member")["over_best_member"].null_count() == 0
    members = held_out(samples, CHOSEN, OWN, WAYS, same_split=True)[0].filter(kind="member")
    assert all(members[name].is_null().all() for name in (*DIFFERENCES, "consensus", "recommended"))


def test_the_same_choice_has_no_regret_but_an_interval() -> None:
    samples, *_ = samples_of()
    table = held_out(samples, CHOSEN, CHOSEN, WAYS, same_split=False)[0].filter(recommended=True)
    assert table["regret"].to_list() == [0, 0]
    assert not np.signbit(table["regret"].to_numpy()).any(), "0, not −0"
    assert (table["regret_low"] < 0).all()
    assert (table["regret_high"] > 0).all()
    assert not table["same_split"].any()


def test_one_member_is_an_ensemble_too() -> None:
    samples, *_ = samples_of(members=1)
    alone = deployed([[0]], [70.0])
    table, _ = held_out(samples, alone, alone, WAYS, same_split=True)
    assert table["right"].n_unique() == 1
    assert set(table.filter(pl.col("kind") != "member")["over_best_member"]) == {0}


def test_samples_that_are_drawn_again_give_the_counts_of_draws_written_out() -> None:
    correct = np.random.default_rng(1).random((3, 37)) < 0.7
    counts = resampled(correct, 5)
    assert counts.shape == (RESAMPLES, 3)
    shares = counts / 37
    np.testing.assert_allclose(shares.mean(0), correct.mean(1), atol=0.01)
    of_binomial = np.sqrt(correct.mean(1) * (1 - correct.mean(1)) / 37)
    np.testing.assert_allclose(shares.std(0), of_binomial, rtol=0.1)
    assert (resampled(np.ones((1, 37), bool), 5) == 37).all()
    assert not np.array_equal(resampled(correct, 6), counts)


def test_sets_of_equal_size_are_drawn_alike() -> None:
    """So what is equal on both sets stays equal, and the difference of what is not keeps its small spread."""
    correct = np.random.default_rng(2).random((2, 50)) < 0.6
    np.testing.assert_array_equal(resampled(correct, 0)[:, :1], resampled(correct[:1], 0))
