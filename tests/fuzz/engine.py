"""Running the cases of a target, by hypothesis or by atheris, and keeping those that fail."""

import hashlib
import shutil
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.reporting import with_reporter

from scripts.lib.study.resolve import ROOT
from tests.fuzz.cases import Case, Target, time_limit, write

KEPT = ROOT / ".fuzz"  # ignored by git
TARGET, MESSAGE = "target.txt", "failure.txt"
SECONDS_FOR_A_CASE = 60  # of reader and check together
CASES_AT_ONCE = 500
SECONDS_TO_SHRINK = 20  # a failing case beyond the time of a run
MOST_FAILURES = 5  # of one target; a reader that fails so often must be repaired first


def settings_of(cases: int, steady: bool, database: Path | None = None) -> settings:
    """Settings of a run: `steady` tries the same cases each time, else new ones and those that failed before."""
    return settings(
        max_examples=cases,
        derandomize=steady,
        database=None if database is None else DirectoryBasedExampleDatabase(database),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if steady else [Phase.reuse, Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )


Seen = Callable[[Case, "str | Exception"], None]


def property_of(target: Target, how: settings, folder: Path, seen: Seen) -> Callable[[], None]:
    """A function that tries cases in `folder` and tells `seen` each case's outcome, or what its check raised.

    What `seen` raises makes hypothesis look for a smaller case that does the same.
    """

    @how
    @given(files=target.cases)
    def try_cases(files: Case) -> None:
        try:
            outcome: str | Exception = check_case(target, files, folder)
        except Exception as error:  # noqa: BLE001 - whatever a check raises is what is looked for
            outcome = error
        seen(files, outcome)

    return try_cases


def check_case(target: Target, files: Case, folder: Path) -> str:
    """Empty the folder, write the case to it and check it there; a warning of the program is as bad as an exception."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(files, folder)
    with time_limit(SECONDS_FOR_A_CASE), warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"(scripts|kernels)\b")
        return target.check(folder)


class Hunt:
    """The search of one target for failures: counts of outcomes, and the smallest case found of each failure."""

    def __init__(self, target: Target, kept: Path = KEPT) -> None:
        self.target, self.kept = target, kept
        self.folder = kept / "now" / target.name  # stays where a reader in C or Rust ends the process
        self.counts: Counter[str] = Counter()
        self.failures: dict[str, Path] = {}
        self.current: tuple[str, Case, Exception] | None = None

    def seen(self, files: Case, outcome: str | Exception) -> None:
        """Count an outcome. A failure that is new is raised; while it gets smaller, others are not looked at."""
        if isinstance(outcome, str):
            self.counts[outcome] += 1
            return
        key = key_of(outcome)
        if key in self.failures or (self.current is not None and self.current[0] != key):
            self.counts["failed as before"] += 1
            return
        self.current = key, files, outcome
        raise outcome

    def run(self, seconds: float) -> Iterator[None]:
        """Try cases for so long; yields after some hundred cases, and after each failure."""
        end = time.monotonic() + seconds
        how = settings_of(CASES_AT_ONCE, False, self.kept / "database")
        while time.monotonic() < end and len(self.failures) < MOST_FAILURES:
            self.current = None
            try:
                with with_reporter(lambda _: None):  # its output is in the folder of the failure
                    property_of(self.target, how, self.folder, self._timed(end))()
            except (TimeIsOver, Exception) as error:
                if self.current is None and not isinstance(error, TimeIsOver):
                    raise  # of hypothesis itself
            if self.current is not None:
                key, files, failure = self.current
                self.failures[key] = keep(self.target, files, failure, self.kept)
            yield
        shutil.rmtree(self.folder, ignore_errors=True)

    def _timed(self, end: float) -> Seen:
        def seen(files: Case, outcome: str | Exception) -> None:
            if time.monotonic() > end + (SECONDS_TO_SHRINK if self.current else 0):
                raise TimeIsOver
            self.seen(files, outcome)

        return seen


class TimeIsOver(BaseException):
    """Ends a run of hypothesis, for which only an Exception is a failure of the case."""


def key_of(error: Exception) -> str:
    """What makes failures one: the kind of the first cause, and the last line of the program or of the check in it."""
    while error.__cause__ is not None:
        error = error.__cause__  # type: ignore[assignment]
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if str(ROOT) in frame.filename and ".venv" not in frame.filename
    ]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} at {place}"


def keep(target: Target, files: Case, error: Exception, kept: Path = KEPT) -> Path:
    """Write a failing case to a folder of its own, with what went wrong. Returns the folder."""
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:8]
    folder = kept / "failures" / f"{target.name}-{digest}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(files, folder)
    (folder / TARGET).write_text(target.name, encoding="utf-8")
    (folder / MESSAGE).write_bytes("".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace"))
    return folder


def replay(folder: Path, targets: dict[str, Target]) -> str:
    """Check a case that was kept once more. Raises what its check raises."""
    target = targets[(folder / TARGET).read_text(encoding="utf-8").strip()]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        copied = Path(name) / "case"
        shutil.copytree(folder, copied, symlinks=True, ignore=shutil.ignore_patterns(TARGET, MESSAGE))
        with time_limit(SECONDS_FOR_A_CASE):
            return target.check(copied)


def by_atheris(hunt: Hunt, seconds: float, atheris: Any) -> None:
    """Let atheris choose the bytes from which hypothesis makes cases, guided by what they reach.

    A failure is kept and ends the process, as atheris does it.
    """

    def seen(files: Case, outcome: str | Exception) -> None:
        if not isinstance(outcome, str):
            print(f"failed: {keep(hunt.target, files, outcome, hunt.kept)}", flush=True)
        hunt.seen(files, outcome)

    test = property_of(hunt.target, settings_of(CASES_AT_ONCE, False), hunt.folder, seen)
    atheris.Setup(["fuzz", f"-max_total_time={seconds:.0f}", "-max_len=65536"], test.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
    atheris.Fuzz()
