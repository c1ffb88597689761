"""Samples divided among jobs: the tables are those of the undivided study, byte for byte where counts are whole."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from polars.testing import assert_frame_equal

from tests.workflow.conftest import TEST_STUDY, snakemake

TABLES = ["ensembles/noise.parquet", "accuracies/noise.parquet", "pairwise/noise/disagreement.parquet"]
TABLES += ["halves/noise.parquet"]


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
    for table in TABLES[2:]:
        assert (copy / "results/test" / table).read_bytes() == (finished / "results/test" / table).read_bytes()
    for table in TABLES[:2]:
        whole, divided = (pl.read_parquet(folder / "results/test" / table) for folder in (finished, copy))
        shared = [name for name in whole.columns if name in divided.columns]
        counted = [name for name in shared if not name.startswith(("nll", "brier", "ece"))]
        assert divided.select(counted).equals(whole.select(counted))
        assert_frame_equal(divided.select(shared), whole.select(shared), check_exact=False, rel_tol=0, abs_tol=1e-12)
    ensembles = pl.read_parquet(copy / "results/test" / TABLES[0])
    assert np.isfinite(ensembles["error_consistency"].to_numpy()).all()
    assert np.isfinite(ensembles.filter(consensus="average")["nll"].to_numpy()).all()
