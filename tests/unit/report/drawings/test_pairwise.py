"""The order of members in the pairwise figure."""

import polars as pl

from scripts.lib.report.drawings.pairwise import clustered


def test_clustering_puts_like_members_together() -> None:
    close = {frozenset("ac"), frozenset("bd")}
    rows = [(a, b, 0.0 if a == b else 0.1 if frozenset((a, b)) in close else 0.9) for a in "abcd" for b in "abcd"]
    table = pl.DataFrame(rows, schema=["member_a", "member_b", "value"], orient="row")
    for measure, alike in [(table, False), (table.with_columns(value=1 - pl.col("value")), True)]:
        order = clustered(measure, alike)
        assert {frozenset(order[:2]), frozenset(order[2:])} == close
