"""The test study where jobs share no file system: each runs in an empty folder, and files pass through a storage.

What a job reads without declaring it is not there, and what it writes without declaring it is lost.
"""

import json
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from scripts.lib.jobs.storage import digest_of_file
from tests.workflow.conftest import environment, snakemake

# A job runs in the background in a new folder, which is its id; its status is the script's exit code.
SUBMIT = """#!/bin/sh
folder=$(mktemp --directory "{nodes}/XXXXXX")
cp "$1" "$folder.sh"
cd "$folder" && ( sh "$folder.sh" > "$folder.log" 2>&1; echo $? > "$folder.code" ) > /dev/null 2>&1 &
echo "$folder"
"""
STATUS = """#!/bin/sh
if [ ! -s "$1.code" ]; then echo running; elif [ "$(cat "$1.code")" = 0 ]; then echo success; else echo failed; fi
"""


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Cluster:
    """A way to run the workflow with each job in an empty folder, and all files in the folder `storage`."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.project, self.storage, nodes = project, folder / "storage", folder / "nodes"
        nodes.mkdir()
        self.storage.mkdir()
        submit = program(folder / "submit", SUBMIT.format(nodes=nodes))
        status = program(folder / "status", STATUS)
        self.command = [sys.executable, "-m", "snakemake", "--configfile", "config/test.yaml", "--cores", "2"]
        self.command += ["--executor", "cluster-generic", "--jobs", "2", "--seconds-between-status-checks", "1"]
        self.command += ["--cluster-generic-submit-cmd", str(submit), "--cluster-generic-status-cmd", str(status)]
        self.command += ["--shared-fs-usage", "none", "--job-deploy-sources"]
        self.command += ["--default-storage-provider", "fs", "--default-storage-prefix", str(self.storage)]

    def run(self, *targets: str) -> str:
        command = [*self.command, *targets]
        result = subprocess.run(command, cwd=self.project, text=True, capture_output=True, env=environment())
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr


@pytest.fixture
def cluster(repository: Path, tmp_path: Path) -> Cluster:
    if shutil.which("rsync") is None:
        pytest.skip("Snakemake's storage plugin for file systems needs rsync")
    return Cluster(tmp_path, repository)


def check(cluster: Cluster, copied: Path) -> None:
    """Archive, tables and report are those of the study that ran in one folder."""
    result = snakemake(copied, "results/test.tar.gz")
    assert result.returncode == 0, result.stdout
    shared, apart = copied / "results", cluster.storage / "results"
    assert not (cluster.project / "results").exists()
    assert contents(shared / "test.tar.gz") == contents(apart / "test.tar.gz")
    found = [json.loads((folder / "test/provenance.json").read_text()) for folder in (shared, apart)]
    assert found[0]["tables"] == found[1]["tables"]
    assert found[0]["devices"] == found[1]["devices"] == ["CPU"]
    for kind in ("figures/*.png", "csv/effects*.csv"):
        paths = sorted((shared / "test").glob(kind))
        assert paths, kind
        for path in paths:
            assert digest_of_file(path) == digest_of_file(apart / "test" / path.parent.name / path.name), path.name
    assert "Time and memory of each stage" in (shared / "test/report.html").read_text(encoding="utf-8")
    assert "Time and memory of each stage" not in (apart / "test/report.html").read_text(encoding="utf-8")


LAST = ("provenance", "report", "csv_tables", "archive")


def test_the_last_jobs_read_only_what_they_declare(cluster: Cluster, copied: Path) -> None:
    """These read most of the files. Everything before them is in the storage already."""
    shutil.copytree(copied / "results", cluster.storage / "results")
    for name in ("report.html", "provenance.json", "csv/effects.csv"):
        (cluster.storage / "results/test" / name).unlink()
    said = cluster.run("all", "results/test.tar.gz")
    assert all(f"rule: {name})" in said.lower() for name in LAST)
    assert "5 of 5 steps (100%) done" in said
    check(cluster, copied)


@pytest.mark.whole
def test_a_study_ends_with_the_same_tables(cluster: Cluster, copied: Path) -> None:
    cluster.run("all", "results/test.tar.gz")
    check(cluster, copied)


def contents(archive: Path) -> list[str]:
    """The names of the files in an archive."""
    with tarfile.open(archive) as packed:
        return sorted(packed.getnames())
