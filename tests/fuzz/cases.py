"""What a fuzzed case is, and which outcomes are allowed.

A case is a few files, by name and content. It is written to a folder and checked from there, so that a folder that was
kept is all that is needed to check the case again. `intention.json` says what the files are meant to say.
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis.strategies import SearchStrategy

from scripts.lib.jobs.errors import StudyError

Case = Mapping[str, bytes]
INTENTION = "intention.json"
ACCEPTED, REFUSED = "accepted", "refused"
# No reader takes longer on files of some kilobytes; what does is an endless loop, or an allocation without bounds.
SECONDS_FOR_A_CASE = 30


@dataclass(frozen=True)
class Target:
    """A reader under test: cases for it, and the check of one that lies in a folder.

    `check` returns ACCEPTED or REFUSED, and raises whatever else happens.
    """

    name: str
    cases: SearchStrategy[Case]
    check: Callable[[Path], str]


@dataclass(frozen=True)
class Refusal:
    """The message of a StudyError."""

    message: str


def case(intention: Mapping[str, Any], **files: bytes) -> dict[str, bytes]:
    """A case of files (`_` stands for the dot of a name in `files`: m_csv) that are meant to say `intention`."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    return {INTENTION: json.dumps(intention).encode(), **named}


def write(files: Case, folder: Path) -> None:
    """Write a case to an empty folder. A name that ends in / is a folder; content that begins with LINK is a link."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif content.startswith(LINK):
            path.symlink_to(content.removeprefix(LINK).decode())
        else:
            path.write_bytes(content)


LINK = b"\x00link to "


def intention_of(folder: Path) -> dict[str, Any]:
    """What the files of a case are meant to say."""
    return dict(json.loads((folder / INTENTION).read_bytes()))


def attempt(read: Callable[[], Any], *names: str) -> Any:
    """What `read` returns, or the Refusal that it raised, which must name one of `names` and be printable.

    Everything else that can be raised is a failure, also what is no Exception (a panic of a Rust library).
    """
    try:
        with time_limit(SECONDS_FOR_A_CASE):
            return read()
    except StudyError as error:
        message = str(error)
        assert message.strip(), "the StudyError has no message"
        message.encode("utf-8")  # a lone surrogate could not be printed
        assert not names or any(name in message for name in names), f"names none of {names}: {message}"
        return Refusal(message)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__} instead of a StudyError: {error}") from error


def refused_for(doubt: Exception, *results: Any) -> str:
    """REFUSED, if the program has refused what is doubtful; else that is a failure."""
    assert all(isinstance(result, Refusal) for result in results), f"accepted, though {doubt}: {results}"
    return REFUSED


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in this block after some seconds; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"not finished after {seconds} s")

    before, outer = signal.signal(signal.SIGALRM, stop), signal.alarm(seconds)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.alarm(outer)
