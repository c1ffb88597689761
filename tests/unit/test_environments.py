"""One set of versions: what conda would install is what the lock file pins."""

import re
from pathlib import Path

import pytest
import yaml

from scripts.lib.study import ROOT

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
