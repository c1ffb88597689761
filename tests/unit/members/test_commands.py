"""Programs as members: what they write is read like any file; those that fail, hang or write half are refused."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.members.commands import run_command

CLASSES = ["dark", "bright"]
PIXELS = np.stack([np.full((4, 4, 3), level, np.uint8) for level in (10, 200, 90, 250)])
BRIGHTNESS = """
import sys, csv, pathlib
from PIL import Image
images, output = sys.argv[1:]
with open(output, "w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["sample", "dark", "bright"])
    for path in sorted(pathlib.Path(images).iterdir(), reverse=True):
        level = Image.open(path).getpixel((0, 0))[0] / 255
        rows.writerow([path.name, 1 - level, level])
"""


def run(folder: Path, program: str, **member: Any) -> tuple[np.ndarray, dict[str, Any]]:
    command = [sys.executable, "-c", program, "{images}", "{output}"]
    settings = {"id": "m", "command": command, "format": "csv", "timeout": 600, "values": "auto", "classes": None}
    return run_command(settings | member, "clean", PIXELS, CLASSES, folder)


def test_the_programs_predictions_are_those_of_the_images(tmp_path: Path) -> None:
    logits, details = run(tmp_path, BRIGHTNESS)
    np.testing.assert_allclose(np.exp(logits[:, 1]), PIXELS[:, 0, 0, 0] / 255, atol=1e-6)
    assert details["values"] == "probabilities"
    assert details["remarks"] == ["ids in another order: realigned by id"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("program", "changes", "said"),
    [
        ("import sys; print('no model'); sys.exit(3)", {}, "ended with status 3. Its last output: no model"),
        ("pass", {}, "did not write the file {output}"),
        (
            "import sys; open(sys.argv[2], 'w').write('sample,dark,bright\\n000000.png,0.5,0.5')",
            {},
            "has no rows for 3 of the 4",
        ),
        ("pass", {"command": ["no-such-program", "{images}", "{output}"]}, "'no-such-program' was not found"),
        ("pass", {"command": ["true", "{images}"]}, "has no {output}"),
    ],
)
def test_programs_that_fail_are_refused(tmp_path: Path, program: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError) as refusal:
        run(tmp_path, program, **changes)
    assert said in str(refusal.value)
    assert "members/m" in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_program_that_hangs_is_stopped_with_what_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the program has started holds the other end of a pipe, which is closed when it ends."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = f"import time; f = open({str(pipe)!r}, 'w'); print('here', file=f, flush=True); time.sleep(60)"
    child += "; print('still there', file=f)"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
    wait, said = subprocess.Popen.wait, []

    def wait_from_the_childs_start(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is not None:
            said.append(pipe.open())
            assert said[0].readline() == "here\n"
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", wait_from_the_childs_start)
    with pytest.raises(StudyError, match=r"did not end within 1 seconds \(`timeout`\) and was stopped"):
        run(tmp_path / "work", program, timeout=1)
    with said[0] as rest:
        assert rest.read() == ""


def test_a_program_that_the_system_cannot_start_is_a_sentence(tmp_path: Path) -> None:
    script = tmp_path / "predict"
    script.write_text("no first line that names an interpreter\n")
    script.chmod(0o755)
    with pytest.raises(StudyError, match=r"predict could not be started \(.*\)\. A script needs a first line"):
        run(tmp_path, "", command=[str(script), "{images}", "{output}"])
