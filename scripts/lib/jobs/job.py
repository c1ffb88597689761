"""What every Snakemake job of the workflow has in common: a log, progress, and readable errors."""

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

# Several jobs run at once and would overwrite each other's progress bars. So every update is a separate line,
# updates are rare, and a loop that ends within seconds shows none.
SECONDS_BETWEEN_UPDATES = 10
SECONDS_BEFORE_FIRST = 3


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Run the body of a script as one job: log to the job's log file and the terminal; end with a readable error.

    A StudyError (the user can fix it) and a full disk become one message and exit status 1. Any other exception is a
    defect of the workflow: its traceback goes to the log file, and a message on the terminal says where that is.
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
    """Ignores errors of a full disk, so that the message about it still reaches the terminal."""

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
    """A file for tqdm that writes each update as a separate line, in the log and on the terminal."""

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
