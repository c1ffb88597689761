"""Runs of the real workflow on the test study (scikit-learn's digits, no network)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
TEST_STUDY = ROOT / "config" / "test.yaml"


def snakemake_command(folder: Path, *arguments: str | Path, study: Path = TEST_STUDY) -> list[str]:
    """The command that runs the workflow with its results below `folder`."""
    fixed = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", study, "--cores", "2"]
    return [sys.executable, "-m", "snakemake", *map(str, fixed), *map(str, arguments)]


def snakemake(folder: Path, *arguments: str | Path, study: Path = TEST_STUDY) -> subprocess.CompletedProcess[str]:
    """Run the workflow to its end; standard error, where Snakemake and the jobs write, is in `stdout` too."""
    command = snakemake_command(folder, *arguments, study=study)
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())


def on_all_training_images(member: dict[str, Any]) -> dict[str, Any]:
    """A member of the test study for data with fewer training images than its `training_images`."""
    return {key: value for key, value in member.items() if key != "training_images"}


def planned(folder: Path, study: Path, *targets: str) -> str:
    """What a dry run says about the jobs that would run; empty where nothing is to be done."""
    result = snakemake(folder, *targets, "--dry-run", study=study)
    assert result.returncode == 0, result.stdout
    return "" if "Nothing to be done" in result.stdout else result.stdout


@contextmanager
def replaced(path: Path, content: bytes) -> Iterator[None]:
    """Other content for a while, with the time of a file that is much older, as `cp -p` of a backup leaves it."""
    before, state = path.read_bytes(), path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))
    yield
    path.write_bytes(before)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def environment() -> dict[str, str]:
    """The jobs must find the interpreter that runs the tests.

    Python keeps compiled modules as it does for users, also where the tests themselves run without: there are hundreds
    of jobs.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the test study ran undisturbed. Tests must not change it, and must not run Snakemake in it.

    The processes of pytest-xdist share it: the first that asks for it makes it, while the others wait.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, complete = shared / "undisturbed", shared / "undisturbed.complete"
    with FileLock(shared / "undisturbed.lock"):
        if not complete.exists():
            folder.mkdir(exist_ok=True)
            result = snakemake(folder)
            assert result.returncode == 0, result.stdout
            complete.touch()
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


TAG = "v0.0.0-test"
AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")


def git(folder: Path, *arguments: str) -> str:
    """The output of a git command."""
    return subprocess.run(["git", "-C", folder, *arguments], text=True, capture_output=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of the working tree, `owner/ensemble-diversity`, below a folder of its own."""
    folder = tmp_path_factory.mktemp("host") / "owner" / "ensemble-diversity"
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, *AUTHOR, "commit", "--quiet", "--message", "test")
    git(folder, "tag", TAG)
    return folder
