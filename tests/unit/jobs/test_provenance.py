"""Where results come from, and whether an archive of them can be verified."""

import json
import subprocess
import tarfile
from pathlib import Path

import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.provenance import archive, provenance, study_hash
from scripts.lib.jobs.storage import save_json, save_table

STUDY = {"name": "small", "seed": 3, "members": [{"id": "one", "seed": 5}, {"id": "two"}]}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder as a finished study leaves it."""
    folder = tmp_path / "small"
    save_json(folder / "study.json", STUDY)
    save_json(folder / "predictions" / "clean" / "one.json", {"device": "CPU"})
    save_table(folder / "correlations.parquet", pl.DataFrame({"a": [1]}))
    save_table(folder / "pairwise" / "clean" / "disagreement.parquet", pl.DataFrame({"a": [2]}))
    for rule, seconds in (("infer/clean/one", 1.5), ("infer/clean/two", 2), ("report", 3)):
        path = folder / "benchmarks" / f"{rule}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\tmax_rss\n{seconds}\t10\n")
    return folder


def test_the_hash_follows_the_settings_and_not_their_order() -> None:
    assert study_hash(STUDY) == study_hash(dict(reversed(STUDY.items())))
    assert study_hash(STUDY) != study_hash(STUDY | {"seed": 4})


def test_provenance_says_with_what_and_how_long(finished: Path) -> None:
    found = provenance(finished, [str(finished / "predictions/clean")], [str(finished / "correlations.parquet")])
    assert found["study_hash"] == study_hash(STUDY)
    assert found["seeds"] == {"study": 3, "one": 5}
    assert found["devices"] == ["CPU"]
    assert found["seconds"] == {"infer": 3.5, "report": 3}
    assert found["versions"]["polars"] == pl.__version__
    [line] = subprocess.check_output(["sha256sum", finished / "correlations.parquet"], text=True).splitlines()
    assert found["tables"] == {"correlations.parquet": line.split()[0]}


@pytest.mark.parametrize("damaged", [None, "pairwise/clean/disagreement.parquet"])
def test_an_archive_is_verified_by_sha256sum(finished: Path, tmp_path: Path, damaged: str | None) -> None:
    results = ["study.json", "correlations.parquet", "pairwise/clean/disagreement.parquet"]
    archive(finished, [str(finished / name) for name in results], tmp_path / "small.tar.gz")
    with tarfile.open(tmp_path / "small.tar.gz") as packed:
        packed.extractall(tmp_path / "elsewhere", filter="data")
    folder = tmp_path / "elsewhere" / "small"
    assert json.loads((folder / "study.json").read_text()) == STUDY
    assert (folder / "requirements.lock").exists()
    if damaged:
        (folder / damaged).write_bytes(b"damaged")
    result = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert (result.returncode == 0) == (damaged is None)
    assert "pairwise/clean/disagreement.parquet" in result.stdout


def test_an_unfinished_study_is_not_archived(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"report\.html is missing: run the study to its end"):
        archive(finished, [str(finished / "study.json"), str(finished / "report.html")], tmp_path / "small.tar.gz")
    assert not (tmp_path / "small.tar.gz").exists()
