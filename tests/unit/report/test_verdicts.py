"""The section on the paper's observations."""

import polars as pl

from scripts.lib.observations import resilience_of_ensembles, resilience_of_members
from scripts.lib.observations.claims import OBSERVATIONS, RESILIENCE_OF_ENSEMBLES, SUPPORTED
from scripts.lib.observations.study import table_of
from scripts.lib.observations.verdict import Estimate, Verdict, undecided
from scripts.lib.report.verdicts import STATISTICS, verdict_texts
from tests.unit.synthetic_verdicts import synthetic_verdicts


def synthetic() -> pl.DataFrame:
    return synthetic_verdicts(["clean", "noise"], 12)


def test_every_observation_of_the_paper_has_a_verdict_in_its_order() -> None:
    texts = verdict_texts(synthetic())
    assert [text.number for text in texts] == ["1a", "1b", "2", "3", "4"]
    assert [text.claim for text in texts] == [each.claim for each in OBSERVATIONS]
    assert [text.verdict for text in texts] == ["supported", "contradicted", "undecided", "supported", "undecided"]


def test_the_numbers_stand_in_the_text_and_in_the_table() -> None:
    first, second, third, fourth, fifth = verdict_texts(synthetic())
    assert first.numbers == (
        "The difference in ω² is +0.30, 95 % interval 0.05 to 0.55 (families by permutation: p = 0.012), from "
        "12 members."
    )
    assert first.table is not None
    assert [row[:2] for row in first.table.rows] == [
        ["difference in ω²", "mean over the shifted sets"],
        ["ω² of the architecture family", "mean over the shifted sets"],
        ["ω² of the size", "mean over the shifted sets"],
        ["ω² of the clean accuracy", "mean over the shifted sets"],
    ]
    assert second.table is not None
    assert second.table.rows[1] == ["difference in effective robustness (points)", "Noise", "+1.00", "0.20", "1.80"]
    assert third.numbers == "It could not be computed: there must be more members."
    assert third.table is None
    assert fourth.numbers == (
        "The gain over independent members (points) is +0.80, 95 % interval 0.20 to 1.40, from 80 members with 5 seeds."
    )
    assert fourth.table is not None
    assert len(fourth.table.rows) == 2
    assert fifth.numbers == "It could not be computed: there are no groups."


def test_an_estimate_without_an_interval_says_why() -> None:
    estimate = Estimate(resilience_of_ensembles.SLOPE, 0.7)
    verdict = Verdict(RESILIENCE_OF_ENSEMBLES, SUPPORTED, estimate, [], 7, "nothing is left")
    rest = [undecided(each, resilience_of_members.DIFFERENCE, 0, "x") for each in OBSERVATIONS if each.number != "1b"]
    text = verdict_texts(table_of([verdict, *rest]))[1]
    assert text.numbers == (
        "The difference in effective robustness (points) is +0.70, from 7 members. Nothing is left."
    )


def test_every_statistic_has_a_name_for_readers() -> None:
    assert set(synthetic()["statistic"]) - {"none"} <= set(STATISTICS)
