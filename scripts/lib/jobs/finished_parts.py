"""Finished parts of a job, kept so that the same job, run again, computes only the parts that are missing.

Snakemake deletes the outputs of a job before it runs it again. A job that computes several independent parts would then
begin anew after every kill, and compute every part again if one is added. So each part is written to a folder of its
own, which is named by a digest of everything that decides its content, and from there linked to the outputs. Links
need no disk space. If the folder is lost, the parts are computed again.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import SECONDS_UNTIL_ABANDONED, link_or_copy, load_json, part_of

RECORD = "predictions.json"


class FinishedParts:
    """The finished parts of one job, below `folder`.

    A part is a folder with arrays `{name}.npy` and a record `predictions.json`, whose section `checksums` has the
    checksum of each array by its name.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.used: set[str] = set()

    def provide(self, key: Mapping[str, Any], output: Path, make: Callable[[Path], None]) -> None:
        """Fill the folder `output` with the part that `key` describes; if it is not there, `make` writes it.

        `key` holds everything that decides the content of the part, as values that JSON can represent. `make` gets the
        folder to write to, which does not exist yet.
        """
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        self.used.add(name)
        part = self.folder / name
        if part.exists() and not _is_undamaged(part):
            shutil.rmtree(part)
        if part.exists():
            log.info("%s was computed before, and nothing that decides it has changed", output)
        else:
            self._write(part, make)
        for path in sorted(part.iterdir()):
            link_or_copy(path, output / path.name)

    def _write(self, part: Path, make: Callable[[Path], None]) -> None:
        unfinished = part_of(part)
        try:
            make(unfinished)
            with suppress(OSError):  # another process has written the same part in the meantime
                os.replace(unfinished, part)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def remove_others(self) -> None:
        """Remove parts that were not asked for, such as those of weights that no longer exist.

        A part that another process may still be writing is left: on a cluster, a killed job may go on for a while.
        """
        for path in self.folder.iterdir() if self.folder.exists() else ():
            abandoned = time.time() - path.stat().st_mtime > SECONDS_UNTIL_ABANDONED
            if path.name not in self.used and (abandoned or not path.name.startswith(".")):
                shutil.rmtree(path, ignore_errors=True)


def _is_undamaged(part: Path) -> bool:
    try:
        record = load_json(part / RECORD)
        arrays: dict[str, Any] = {name: part / f"{name}.npy" for name in record["checksums"]}
        require_undamaged(part / RECORD, **arrays)
    except (StudyError, KeyError, TypeError):
        return False
    return True
