"""A full disk is reported with the file, and leaves no part of it."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from torch import nn

from scripts.lib.jobs import storage
from scripts.lib.networks.weights import save_weights
from scripts.lib.study.resolve import ROOT
from scripts.lib.training.state import save_state

# /dev/full refuses every byte; a file system of one MiB takes some.

SAVERS: dict[str, Callable[[Path], None]] = {
    "array": lambda path: storage.save_array(path, np.zeros(3_000_000, np.uint8)),
    "rows": lambda path: storage.save_rows(path, (np.ones(1_000_000) for _ in range(3)), 3, (1_000_000,), "uint8"),
    "table": lambda path: storage.save_table(path, pl.DataFrame({"a": np.random.default_rng(0).random(500_000)})),
    "json": lambda path: storage.save_json(path, ["x" * 3_000_000]),
    "lines": lambda path: storage.save_lines(path, ["x" * 3_000_000]),
    "weights": lambda path: save_weights(nn.Linear(1000, 1000), path),
    "training state": lambda path: save_state(str(path), {}, {"model": nn.Linear(1000, 1000)}, []),
}


@pytest.mark.parametrize("saver", sorted(set(SAVERS) - {"weights"}))  # safetensors removes what it finds at the name
def test_a_disk_that_takes_nothing_is_reported_with_the_file(saver: str, tmp_path: Path) -> None:
    path = tmp_path / "a.file"
    storage.part_of(tmp_path / "a.file").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        SAVERS[saver](path)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def small_disk(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in which `folder` is an own file system of one MiB; skips where that takes more rights."""
    unshare = shutil.which("unshare")
    mount = f"mount -t tmpfs -o size=1m none '{folder}'"
    if not unshare or subprocess.run([unshare, "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("a file system of its own cannot be mounted here")
    command = [unshare, "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", program, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_disk_that_fills_up_is_reported_with_the_file(tmp_path: Path) -> None:
    program = (
        "import errno, sys; from pathlib import Path; from tests.unit.jobs.test_full_disk import SAVERS\n"
        "folder = Path(sys.argv[1])\n"
        "for name, save in SAVERS.items():\n"
        "    try: save(folder / 'a.file')\n"
        "    except OSError as error:\n"
        "        assert error.errno == errno.ENOSPC and error.filename == str(folder / 'a.file'), (name, error)\n"
        "    else: raise AssertionError(f'{name} was written')\n"
        "    assert not list(folder.iterdir()), name\n"
        "print('all refused')\n"
    )
    result = small_disk(tmp_path, program)
    assert (result.returncode, result.stdout) == (0, "all refused\n"), result.stderr


def test_a_job_on_a_full_disk_tells_so_without_a_traceback(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from types import SimpleNamespace\n"
        "from scripts.lib.jobs.job import job; from scripts.lib.jobs.storage import save_lines\n"
        "folder = Path(sys.argv[1])\n"
        "with job(SimpleNamespace(log=[folder / 'a.log'], rule='infer', wildcards={'member': 'm'})):\n"
        "    (folder / 'others').write_bytes(bytes(2**21))\n"
    )
    result = small_disk(tmp_path, program)
    assert result.returncode == 1
    assert "Error in infer m: no space left on the device" in result.stderr
    assert "Traceback" not in result.stderr
