"""Members that are a user's program, which gets a folder of images and writes a file of predictions."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.reading.align_predictions import logits_of_file

LINES_SHOWN = 5


def run_command(
    member: dict[str, Any],
    dataset: str,
    pixels: np.ndarray,
    classes: Sequence[str],
    folder: Path,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] that the member's program gives for images uint8 [N, S, S, 3], and what to record.

    The program's files are in a new folder below `folder`, which is removed. Raises StudyError if the program does not
    exist, fails, does not end in time, or writes a file that cannot be used.
    """
    where, start = f"members/{member['id']}/command", time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{member['id']}-") as temporary:
        place = Path(temporary).resolve()
        names = write_images(pixels, place / "images", f"images for {member['id']} on {dataset}")
        output = place / f"predictions.{member['format']}"
        _run(filled(member["command"], place / "images", output, where), member["timeout"], place, where)
        if not output.is_file():
            raise StudyError(f"{where}: the program succeeded, but did not write the file {{output}} ({output.name}).")
        logits, details = logits_of_file(str(output), member, dataset, names, classes, None)
    spent = time.perf_counter() - start
    return logits, details | {"file": " ".join(member["command"]), "device": "the program's", "seconds": spent}


def write_images(pixels: np.ndarray, folder: Path, title: str) -> list[str]:
    """Write images uint8 [N, S, S, 3] as PNG files; returns their names."""
    folder.mkdir()
    names = [f"{row:06d}.png" for row in range(len(pixels))]
    for name, image in zip(progress(names, title, "image"), pixels, strict=True):
        Image.fromarray(np.array(image)).save(folder / name, compress_level=1)
    return names


def filled(command: Sequence[str], images: Path, output: Path, where: str) -> list[str]:
    """The command with `{images}` and `{output}` replaced by paths."""
    text = " ".join(command)
    if lacking := [name for name in ("{images}", "{output}") if name not in text]:
        raise StudyError(
            f"{where} has no {' and no '.join(lacking)}: the program would not know where to read and write."
        )
    program = shutil.which(os.path.expanduser(command[0]))
    if program is None:
        raise StudyError(f"{where}: the program {command[0]!r} was not found, or may not be executed.")
    arguments = [word.replace("{images}", str(images)).replace("{output}", str(output)) for word in command[1:]]
    return [os.path.abspath(program), *arguments]


def _run(command: list[str], timeout: float, folder: Path, where: str) -> None:
    """Run a program in its own process group, so that the processes that it starts end with it."""
    with (folder / "said.txt").open("w+b") as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise StudyError(
                f"{where}: the program {command[0]} could not be started ({error.strerror}). A script needs a first "
                "line such as `#!/usr/bin/env python3` that names an existing program."
            ) from None
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise StudyError(
                f"{where}: the program did not end within {timeout:g} seconds (`timeout`) and was stopped."
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()[-LINES_SHOWN:]
    if status:
        raise StudyError(
            f"{where}: the program ended with status {status}. Its last output: {' | '.join(lines) or 'nothing'}"
        )
    for line in lines:
        log.info("%s", line)
