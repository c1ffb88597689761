"""Whoever has a study's archived predictions can compute its tables again."""

from pathlib import Path

from scripts.lib.jobs.storage import load_json
from scripts.lib.study.verify import verify
from tests.workflow.conftest import TEST_STUDY, snakemake


def test_the_tables_follow_from_the_archived_predictions(copied: Path) -> None:
    result = snakemake(copied, "results/test.predictions.tar.gz")
    assert result.returncode == 0, result.stdout
    compared = verify(TEST_STUDY, copied / "results/test.predictions.tar.gz", None, "2")
    assert [comparison for comparison in compared if comparison.difference] == []
    tables = load_json(copied / "results/test/provenance.json")["tables"]
    assert any("attribution" in table for table in tables)
    assert {comparison.table for comparison in compared} == tables.keys()
