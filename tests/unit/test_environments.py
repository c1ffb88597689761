"""One set of versions: what conda would install is what the lock file pins."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.paths import ROOT

LOCK = dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_an_environment_pins_what_the_lock_file_pins(path: Path) -> None:
    pinned = {name.lower(): version for name, version in LOCK.items()}
    packages = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"][-1]["pip"]
    assert packages
    for package in packages:
        name, version = package.split("==")
        assert pinned[name] == version


def test_the_lock_file_names_no_host_and_no_local_build() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "+cpu" not in text


# What make installs. A stand-in for Python leaves a trace of what it was asked to do.
STAND_IN = """#!/bin/sh
case "$*" in *"venv --clear"*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo cleared;; esac
"""


def make_setup(folder: Path) -> subprocess.CompletedProcess[str]:
    python = folder / "python"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    command = ["make", "-C", ROOT, "setup", f"PYTHON={python}", f"VENV={folder / 'venv'}"]
    return subprocess.run(command, capture_output=True, text=True)


def test_make_installs_once_and_again_when_the_lock_file_has_other_content(tmp_path: Path) -> None:
    assert "cleared" in make_setup(tmp_path).stdout
    installed = tmp_path / "venv" / ".installed"
    os.utime(installed, (0, 0))  # older than the lock file, as after a new checkout or in a layer of an image
    assert "cleared" not in make_setup(tmp_path).stdout
    installed.write_text("torch==1.0\n")
    assert "cleared" in make_setup(tmp_path).stdout


def test_make_does_not_empty_an_environment_that_it_reaches_through_a_link(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "package").touch()
    (tmp_path / "venv").symlink_to(shared)
    result = make_setup(tmp_path)
    assert result.returncode != 0
    assert "Remove the link" in result.stdout
    assert (shared / "package").exists()
