"""The tables of members."""

import polars as pl

from scripts.lib.report.member_tables import expectations_table


def test_members_that_differ_by_more_than_a_point_from_what_is_expected_are_shown() -> None:
    clean = pl.DataFrame({"member": ["a", "b", "c"], "accuracy": [70.0, 71.5, 40.0]})
    members = [{"id": "a", "expected_top1": 70.9}, {"id": "b", "expected_top1": 75.2}, {"id": "c"}]
    [table] = expectations_table(members, clean)
    assert table.rows == [["b", "71.5", "75.2", "−3.7"]]
    assert list(expectations_table(members[:1], clean)) == []
