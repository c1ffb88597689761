"""Samples divided among jobs: the tables are those of the undivided study, byte for byte where counts are whole."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from polars.testing import assert_frame_equal

from tests.workflow.conftest import TEST_STUDY, snakemake

# With the largest difference of what follows from sums of fractions; halves hold float32.
SUMS = {"ensembles/noise.parquet": 1e-12, "accuracies/noise.parquet": 1e-12, "halves/noise.parquet": 1e-6}
COUNTS = "pairwise/noise/disagreement.parquet"


def test_shards_give_the_same_tables(finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    for table in (*SUMS, COUNTS):
        (copy / "results/test" / table).unlink()
    changes = {"shards": 2, "measures": ["disagreement", "error_consistency", "activation_similarity"]}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8")) | changes))
    result = snakemake(copy, *(f"results/test/{table}" for table in (*SUMS, COUNTS)), study=study)
    assert result.returncode == 0, result.stdout
    assert "Train resnext" not in result.stdout
    assert {path.name for path in (copy / "results/test/shards/noise").iterdir()} == {"0", "1"}
    assert (copy / "results/test" / COUNTS).read_bytes() == (finished / "results/test" / COUNTS).read_bytes()
    for table, difference in SUMS.items():
        whole, divided = (pl.read_parquet(folder / "results/test" / table) for folder in (finished, copy))
        shared = [name for name in whole.columns if name in divided.columns]
        counted = [name for name in shared if not name.startswith(("nll", "brier", "ece", "confidence"))]
        assert divided.select(counted).equals(whole.select(counted))
        assert_frame_equal(
            divided.select(shared), whole.select(shared), check_exact=False, rel_tol=0, abs_tol=difference
        )
    ensembles = pl.read_parquet(copy / "results/test/ensembles/noise.parquet")
    assert np.isfinite(ensembles["error_consistency"].to_numpy()).all()
    assert np.isfinite(ensembles.filter(consensus="average")["nll"].to_numpy()).all()
