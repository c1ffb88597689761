"""Samples divided among jobs: the tables are those of the undivided study, byte for byte where counts are whole."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from tests.workflow.conftest import TEST_STUDY, snakemake

TABLES = ["ensembles/noise.parquet", "accuracies/noise.parquet", "pairwise/noise/disagreement.parquet"]


def test_shards_give_the_same_tables(finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    for table in TABLES:
        (copy / "results/test" / table).unlink()
    changes = {"shards": 2, "measures": ["disagreement", "error_consistency", "activation_similarity"]}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8")) | changes))
    result = snakemake(copy, *(f"results/test/{table}" for table in TABLES), study=study)
    assert result.returncode == 0, result.stdout
    assert "rule train" not in result.stdout
    assert {path.name for path in (copy / "results/test/shards/noise").iterdir()} == {"0", "1"}
    for table in TABLES[1:]:
        assert (copy / "results/test" / table).read_bytes() == (finished / "results/test" / table).read_bytes()
    whole, divided = (pl.read_parquet(folder / "results/test" / TABLES[0]) for folder in (finished, copy))
    shared = [name for name in whole.columns if name in divided.columns]
    assert divided.select(shared).equals(whole.select(shared))
    assert np.isfinite(divided["error_consistency"].to_numpy()).all()
