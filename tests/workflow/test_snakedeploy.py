"""`snakedeploy deploy-workflow` makes a project that runs, with everything fetched as from GitHub.

git is told to find https://github.com/ in a folder of this machine, so neither snakedeploy nor Snakemake knows that the
repository is not there.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.conftest import TAG, environment, git

SNAKEDEPLOY = shutil.which("snakedeploy")


def offline(host: Path, cache: Path) -> dict[str, str]:
    """An environment in which GitHub is the folder `host`, and Snakemake's cache is empty at first."""
    redirected = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{host.as_uri()}/.insteadOf"}
    return environment() | redirected | {"GIT_CONFIG_VALUE_0": "https://github.com/", "XDG_CACHE_HOME": str(cache)}


@pytest.mark.skipif(SNAKEDEPLOY is None, reason="snakedeploy is not installed: make snakedeploy installs it")
def test_a_deployed_project_runs(repository: Path, tmp_path: Path) -> None:
    project, known = tmp_path / "project", offline(repository.parents[1], tmp_path / "cache")
    project.mkdir()

    def run(*command: str) -> str:
        result = subprocess.run(command, cwd=project, env=known, text=True, capture_output=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    url = "https://github.com/owner/ensemble-diversity"
    run(str(SNAKEDEPLOY), "deploy-workflow", url, ".", "--tag", TAG)
    assert (project / "config/config.yaml").read_bytes() == (repository / "config.yaml").read_bytes()
    assert (project / "config/README.md").is_file()
    planned = run(sys.executable, "-m", "snakemake", "--cores", "2", "--dry-run")
    assert "results/fashion-mnist/report.html" in planned

    shutil.copy(project / "config/test.yaml", project / "config/config.yaml")
    run(sys.executable, "-m", "snakemake", "results/test/labels/noise.npy", "--cores", "2")
    assert (project / "results/test/labels/noise.npy").is_file()
    [copy] = (tmp_path / "cache").rglob("unpacked/*")
    assert copy.name == git(repository, "rev-parse", "HEAD")
