"""Parquet files of users, read in a separate process.

polars allocates as much memory as a damaged page claims to need; if there is not enough, Rust ends the process without
an exception. So a separate process reads the files, and if it ends, the job can say which file was the cause.
"""

import atexit
import functools
import io
import json
import signal
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from scripts.lib.jobs.paths import ROOT

# An answer is its kind, its length and its content: a table in Arrow's format, or the reason why there is none.
ANSWER = struct.Struct("<BQ")
TABLE, REASON = 0, 1


def read_parquet(path: Path) -> pl.DataFrame:
    """A Parquet file's table. Raises OSError for one that cannot be opened, ValueError for one that cannot be read."""
    path.open("rb").close()
    return reader().read(path)


class Reader:
    """A process that reads one file after another."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # polars prints the stack of every panic there
        )

    def read(self, path: Path) -> pl.DataFrame:
        """See `read_parquet`."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
        self.process.stdin.flush()
        head = self.process.stdout.read(ANSWER.size)
        kind, length = ANSWER.unpack(head) if len(head) == ANSWER.size else (REASON, 0)
        content = self.process.stdout.read(length)
        if len(head) < ANSWER.size or len(content) < length:
            raise ValueError(f"the process that read it ended ({_ending(self.process)}); the file seems to be damaged")
        if kind == REASON:
            raise ValueError(content.decode())
        return pl.read_ipc(io.BytesIO(content))

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]


def _ending(process: subprocess.Popen[bytes]) -> str:
    status = process.wait()
    return signal.Signals(-status).name if status < 0 else f"status {status}"


@functools.cache
def _readers() -> list[Reader]:
    """A list that holds the reader of this process; empty until it is first used."""
    readers: list[Reader] = []
    atexit.register(_close, readers)
    return readers


def _close(readers: list[Reader]) -> None:
    while readers:
        readers.pop().close()


def reader() -> Reader:
    """The process that reads for this one; a new one if the last has ended."""
    readers = _readers()
    if not readers or readers[-1].process.poll() is not None:
        _close(readers)
        readers.append(Reader())
    return readers[-1]


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each line of `requests`, which is a path as JSON, until the input ends."""
    for line in requests:
        kind, content = _answer(json.loads(line))
        answers.write(ANSWER.pack(kind, len(content)) + content)
        answers.flush()


def _answer(path: str) -> tuple[int, bytes]:
    try:
        file = io.BytesIO()
        pl.read_parquet(path, glob=False, hive_partitioning=False).write_ipc(file)
        return TABLE, file.getvalue()
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - damaged files make polars raise anything
        return REASON, (str(error).strip() or type(error).__name__).encode()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
