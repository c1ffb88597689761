"""The project as a git repository with one tag, for tests of how others fetch and deploy it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT

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
        if (ROOT / name).exists() and not (ROOT / name).is_dir():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        elif (ROOT / name).is_symlink():
            (folder / name).symlink_to((ROOT / name).readlink())
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, *AUTHOR, "commit", "--quiet", "--message", "test")
    git(folder, "tag", TAG)
    return folder
