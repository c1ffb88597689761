"""What every Snakemake job of the workflow has in common: a log, progress, and errors that a person can read."""

import errno
import io
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from scripts.lib.jobs.errors import StudyError

log = logging.getLogger("ensemble-diversity")

# Jobs run side by side, so a bar that redraws itself in place would be overwritten by its neighbours:
# every update is a line of its own, there are few of them, and what is over at once shows none.
SECONDS_BETWEEN_UPDATES = 10
SECONDS_BEFORE_FIRST = 3


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run the body of a script as one job: log to the job's log file and the terminal; end with a readable error.

    A StudyError (the user can put it right) and a full disk become one message and exit status 1. Anything else is
    a defect of ours: its traceback goes to the log file and the terminal is told where that is.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with _LogFile(path.open("wb"), encoding="utf-8") as file:
        handlers = [logging.StreamHandler(stream) for stream in (sys.stderr, file)]
        logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=handlers, force=True)
        log.setLevel(logging.INFO)
        try:
            yield
        except StudyError as error:
            log.error("\nError in %s: %s\n", _title(snakemake), error)
            raise SystemExit(1) from None
        except Exception as error:  # noqa: BLE001 - the last place where a traceback can be kept from the user
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                log.error("\nError in %s: %s\n", _title(snakemake), _full_disk(error))
            else:
                traceback.print_exc(file=file)
                summary = f"{type(error).__name__}: {error}"
                log.error("\nUnexpected error in %s: %s\nIts traceback is in %s\n", _title(snakemake), summary, path)
            raise SystemExit(1) from None


class _LogFile(io.TextIOWrapper):
    """Drops what a full disk does not take, so that the message that says so still reaches the terminal."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def _title(snakemake: Any) -> str:
    wildcards = [str(value) for name, value in snakemake.wildcards.items() if name != "study"]
    return " ".join([snakemake.rule, *wildcards])


def _full_disk(error: OSError) -> str:
    where = f" while writing {error.filename}" if error.filename else ""
    return f"no space left on the device{where}. Free some space and run again: finished work is kept."


class _Lines:
    """A file for tqdm that gives each update a line of its own, in the log and on the terminal."""

    def write(self, text: str) -> None:
        if line := text.strip("\r\n "):
            log.info("%s", line)

    def flush(self) -> None:
        pass


def progress(items: Iterable[Any] | None, title: str, unit: str, total: int | None = None) -> tqdm:
    """A progress bar with an estimate of the time left; `title` says which job it belongs to."""
    output: TextIO = _Lines()  # type: ignore[assignment]
    return tqdm(
        items,
        desc=title,
        unit=unit,
        total=total,
        file=output,
        mininterval=SECONDS_BETWEEN_UPDATES,
        delay=SECONDS_BEFORE_FIRST,
        ncols=100,
    )
