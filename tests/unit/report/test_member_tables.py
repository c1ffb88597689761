"""The tables of members."""

import polars as pl

from scripts.lib.report.member_tables import expectations_table, scores_tables


def test_members_that_differ_by_more_than_a_point_from_what_is_expected_are_shown() -> None:
    clean = pl.DataFrame({"member": ["a", "b", "c"], "accuracy": [70.0, 71.5, 40.0]})
    members = [{"id": "a", "expected_top1": 70.9}, {"id": "b", "expected_top1": 75.2}, {"id": "c"}]
    [table] = expectations_table(members, clean)
    assert table.rows == [["b", "71.5", "75.2", "−3.7"]]
    assert list(expectations_table(members[:1], clean)) == []


def test_scores_stand_beside_the_accuracy() -> None:
    columns = {"position": [1, 0], "member": ["b", "a"], "accuracy": [71.25, 100.0], "nll": [0.98765, 0.0]}
    clean = pl.DataFrame(columns | {"nll_clipped": [1200, 0], "brier": [0.4567, 0.0], "ece": [0.0123, None]})
    first, second = scores_tables({"clean": clean, "gaussian_noise": clean.head(1)})
    assert first.caption == "Accuracy and probabilities of each member on Clean"
    assert first.rows == [
        ["a", "100.0", "0.000", "0", "0.000", "–"],
        ["b", "71.2", "0.988", "1\u202f200", "0.457", "0.012"],
    ]
    assert second.caption.endswith("on Gaussian noise")
    assert len(second.rows) == 1
    assert {len(row) for row in first.rows} == {len(first.header)}
