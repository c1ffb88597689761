"""What Snakemake's line of progress says besides: what is running, and when the run is expected to end."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from scripts.lib.jobs.amounts import duration, roughly

NAMED_JOBS = 3  # of more running jobs, the line has numbers per rule


@dataclass(frozen=True)
class _Left:
    """The jobs that are left at one time, and the seconds that each running one has taken so far."""

    jobs: dict[int, Any]
    running: dict[int, float]


class RunProgress(logging.Handler):
    """A handler of Snakemake's logger that measures jobs and completes the line "3 of 40 steps (8%) done".

    The time left is that of the jobs that are left, each expected to take as long as the mean of its rule: of jobs of
    this run, and of jobs of earlier runs of the study whose benchmark file is there. It is divided by the number of
    threads that were busy at once. So it is rough if jobs of one rule differ, as trainings do, and a lower bound
    ("at least") as long as no job of some rule has ended.

    `dag` returns Snakemake's graph of jobs. `clock` returns seconds since 1970.
    """

    def __init__(self, dag: Callable[[], Any], clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._dag, self._clock = dag, clock
        self._started: dict[int, float] = {}
        self._finished: set[int] = set()
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._earlier: dict[Path, list[float]] = {}
        self._threads = 1

    def emit(self, record: logging.LogRecord) -> None:
        """Note when jobs start and end; before the first one, complete the lines of Snakemake's own handlers."""
        event = str(getattr(record, "event", ""))
        if event == "run_info":
            self._complete_lines()
        elif event == "job_started":
            self._start(record.jobs)  # type: ignore[attr-defined]
        elif event == "job_finished":
            self._end(record.job_id)  # type: ignore[attr-defined]
        elif event == "job_error":
            self._started.pop(record.jobid, None)  # type: ignore[attr-defined]

    def _complete_lines(self) -> None:
        """Handlers of plug-ins have formatters of their own, and keep them."""
        for handler in logging.getLogger("snakemake.logging").handlers:
            if hasattr(handler.formatter, "format_progress"):
                handler.formatter.format_progress = self._completed(handler.formatter.format_progress)  # type: ignore[union-attr]

    def _completed(self, plain: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
        def line(message: dict[str, Any]) -> str:
            try:
                return f"{plain(message)}{self.outlook()}"
            except AttributeError:  # another version of Snakemake, with another graph of jobs: its own line is enough
                return plain(message)

        return line

    def _start(self, ids: Iterable[int]) -> None:
        """When a line is written, a job has just ended, so it is now that all threads are busy."""
        self._started |= dict.fromkeys(ids, self._clock())
        busy = sum(job.threads for job in self._jobs() if self._id(job) in self._started)
        self._threads = max(self._threads, busy)

    def _end(self, job_id: int) -> None:
        self._finished.add(job_id)
        start = self._started.pop(job_id, None)
        rule = next((job.rule.name for job in self._jobs() if self._id(job) == job_id), None)
        if start is not None and rule is not None:
            self._seconds[rule].append(self._clock() - start)

    def _jobs(self) -> Iterable[Any]:
        return self._dag().needrun_jobs(exclude_finished=False)

    def _id(self, job: Any) -> int:
        return int(self._dag().jobid(job))

    def outlook(self) -> str:
        """What is running, and the time left, as the end of a line; empty after the last job."""
        jobs = {id: job for job in self._jobs() if (id := self._id(job)) not in self._finished}
        now = self._clock()
        left = _Left(jobs, {id: now - start for id, start in self._started.items() if id in jobs})
        return _running(left) + self._time_left(left, now) if jobs else ""

    def _time_left(self, left: _Left, now: float) -> str:
        expected = {id: self._expected(job) for id, job in left.jobs.items()}
        known = {id: max(0.0, s - left.running.get(id, 0.0)) for id, s in expected.items() if s is not None}
        if not known:
            return ""
        together = sum(seconds * left.jobs[id].threads for id, seconds in known.items())
        seconds = max(together / self._threads, *(known[id] for id in left.running if id in known), 0.0)
        until = time.strftime("%H:%M" if seconds < 43_200 else "%a %H:%M", time.localtime(now + seconds))
        unknown = {left.jobs[id].rule.name for id, s in expected.items() if s is None}
        if not unknown:
            return f". About {roughly(seconds)} left, until {until}"
        others = "one rule that has" if len(unknown) == 1 else f"{len(unknown)} rules that have"
        return f". At least {roughly(seconds)} left, until {until}, and {others} not run yet"

    def _expected(self, job: Any) -> float | None:
        """Seconds of a job: the mean of its rule; None if no job of the rule has ended."""
        if seconds := [*self._of_earlier_runs(job), *self._seconds[job.rule.name]]:
            return fmean(seconds)
        return None if job.benchmark else 0.0  # rules whose jobs take moments have no benchmark file

    def _of_earlier_runs(self, job: Any) -> list[float]:
        """Read once, at the first look, so that jobs of this run are not counted twice."""
        if not job.benchmark:
            return []
        folder = Path(str(job.benchmark)).parent
        if folder not in self._earlier:
            self._earlier[folder] = [s for file in sorted(folder.glob("*.tsv")) if (s := _seconds_in(file)) is not None]
        return self._earlier[folder]


def _seconds_in(file: Path) -> float | None:
    """The seconds in a benchmark file of Snakemake, or None if it is not complete."""
    try:
        return float(file.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
    except (OSError, ValueError, IndexError):
        return None


def _running(left: _Left) -> str:
    if not left.running:
        return ""
    if len(left.running) > NAMED_JOBS:
        rules = Counter(left.jobs[id].rule.name for id in left.running)
        return f". {len(left.running)} running ({', '.join(f'{n} {rule}' for rule, n in rules.most_common())})"
    names = (
        f"{left.jobs[id].message or left.jobs[id].rule.name} for {duration(seconds)}"
        for id, seconds in left.running.items()
    )
    return f". Running: {', '.join(names)}"
