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
from tests.workflow.conftest import environment

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


@pytest.mark.skipif(shutil.which("rsync") is None, reason="Snakemake's storage plugin for file systems needs rsync")
def test_a_study_ends_with_the_same_tables(repository: Path, tmp_path: Path) -> None:
    nodes, storage = tmp_path / "nodes", tmp_path / "storage"
    nodes.mkdir()
    storage.mkdir()
    submit, status = program(tmp_path / "submit", SUBMIT.format(nodes=nodes)), program(tmp_path / "status", STATUS)
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/test.yaml", "--cores", "2"]
    shared = [*command, "--directory", str(tmp_path / "shared")]
    targets = ["all", "results/test.tar.gz"]
    run(shared + targets, repository)

    apart = ["--executor", "cluster-generic", "--jobs", "2", "--seconds-between-status-checks", "1"]
    apart += ["--cluster-generic-submit-cmd", str(submit), "--cluster-generic-status-cmd", str(status)]
    apart += ["--shared-fs-usage", "none", "--job-deploy-sources"]
    apart += ["--default-storage-provider", "fs", "--default-storage-prefix", str(storage)]
    run(command + apart + targets, repository)
    assert not (repository / "results").exists()

    with_shared, without = tmp_path / "shared" / "results", storage / "results"
    assert contents(with_shared / "test.tar.gz") == contents(without / "test.tar.gz")
    found = [json.loads((folder / "test/provenance.json").read_text()) for folder in (with_shared, without)]
    assert found[0]["tables"] == found[1]["tables"]
    assert found[0]["devices"] == found[1]["devices"] == ["CPU"]
    for path in sorted((with_shared / "test/figures").glob("*.png")):
        assert digest_of_file(path) == digest_of_file(without / "test/figures" / path.name), path.name
    assert "Time and memory" in (with_shared / "test/report.html").read_text()
    assert "Time and memory" not in (without / "test/report.html").read_text()


def run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, text=True, capture_output=True, env=environment())
    assert result.returncode == 0, result.stdout + result.stderr


def contents(archive: Path) -> list[str]:
    """The names of the files in an archive."""
    with tarfile.open(archive) as packed:
        return sorted(packed.getnames())
