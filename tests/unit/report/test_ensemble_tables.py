"""The tables of ensembles."""

from scripts.lib.report.ensemble_tables import correlation_tables
from scripts.lib.report.findings import Tables
from scripts.lib.report.labels import signed


def test_the_table_of_correlations_has_partial_r_beside_r(tables: Tables) -> None:
    [first, *_] = correlation_tables(tables.correlations)
    assert list(first.header[2:7]) == ["Pearson r", "95 % interval", "Partial r", "p", "q"]
    row = tables.correlations.row(0, named=True)
    assert first.rows[0][2] == signed(row["pearson"])
    assert first.rows[0][4] == signed(row["partial_pearson"])
