"""Adds to Snakemake's line of progress what is running and when the run is expected to end."""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.jobs.amounts import duration, roughly
from scripts.lib.jobs.benchmark_files import costs_of_jobs

NAMED_JOBS = 3  # if more jobs are running, the line counts them by rule
HALF_A_DAY, SIX_DAYS = 12 * 3600, 6 * 24 * 3600


@dataclass
class _Rule:
    """What is known of the jobs of a rule."""

    seconds: float = 0.0
    ended: int = 0
    threads: int = 1
    uses_gpu: bool = False

    def add(self, seconds: float) -> None:
        self.seconds += seconds
        self.ended += 1

    @property
    def mean(self) -> float:
        """Seconds of a job; 0 if none has ended."""
        return self.seconds / self.ended if self.ended else 0.0


class RunProgress(logging.Handler):
    """A handler of Snakemake's logger that measures jobs and completes the line "3 of 40 steps (8%) done".

    A job is expected to take as long as the mean of its rule, over the jobs that ended in this run and those whose
    benchmark files are below `benchmarks`. The time left is the largest of three bounds: all jobs over the most threads
    that were busy at once; the jobs that use a GPU over the most of them that ran at once; the longest job. As long as
    no job of some rule has ended, it is a lower bound. What is not modelled: that jobs of one rule differ, as trainings
    do, and that jobs wait for each other or in the queue of a cluster.

    `workflow` is Snakemake's workflow; `clock` returns seconds since 1970. An error in here never reaches the run: the
    handler then does nothing more, and Snakemake's own line stays.
    """

    def __init__(self, workflow: Any, benchmarks: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._workflow, self._benchmarks, self._clock = workflow, benchmarks, clock
        self._rules: dict[str, _Rule] = {}
        self._left: dict[int, Any] = {}
        self._counts: Counter[str] = Counter()  # of the jobs that are left, by rule
        self._started: dict[int, float] = {}
        self._busy_threads = self._busy_gpus = 1
        self._works = True

    def emit(self, record: logging.LogRecord) -> None:
        """Note which jobs there are, and when they start and end."""
        event = str(getattr(record, "event", ""))
        noted = {"run_info": self._begin, "job_started": self._start, "job_finished": self._end}
        if self._works and event in noted:
            try:
                noted[event](record)
            except Exception:  # noqa: BLE001  # a handler that fails would end the run
                self._works = False

    def _begin(self, _: logging.LogRecord) -> None:
        """Before the first job: the lines of Snakemake's own handlers become ours; those of plug-ins stay."""
        for handler in logging.getLogger("snakemake.logging").handlers:
            formatter: Any = handler.formatter
            if hasattr(formatter, "format_progress"):
                formatter.format_progress = self._completed(formatter.format_progress)
        for rule, costs in costs_of_jobs(self._benchmarks).items():
            for cost in costs:
                self._rule(rule).add(cost.seconds)
        dag = self._workflow.dag
        self._left = {dag.jobid(job): job for job in dag.needrun_jobs()}
        # Rules whose jobs take moments, such as the target, have no benchmark file.
        self._counts = Counter(self._name_of(job) for job in self._left.values() if job.benchmark)

    def _completed(self, plain: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
        def line(message: dict[str, Any]) -> str:
            said = plain(message)
            if self._works:
                try:
                    return f"{said}{self.outlook()}"
                except Exception:  # noqa: BLE001  # the line of Snakemake is worth more than ours
                    self._works = False
            return said

        return line

    def _name_of(self, job: Any) -> str:
        """The rule as its benchmark files name it: `train_base` is `train` with another priority."""
        path = Path(str(job.benchmark))
        if path.is_relative_to(self._benchmarks):
            return path.relative_to(self._benchmarks).parts[0].removesuffix(".tsv")
        return str(job.rule.name)

    def _rule(self, name: str) -> _Rule:
        return self._rules.setdefault(name, _Rule())

    def _running(self) -> dict[int, Any]:
        """Running jobs by id; the jobs of a group run together."""
        dag = self._workflow.dag
        return {dag.jobid(job): job for entry in self._workflow.scheduler.running for job in _jobs_in(entry)}

    def _start(self, record: logging.LogRecord) -> None:
        """Busy threads are counted here and not when a line is written, because a job has just ended then."""
        for id in getattr(record, "jobs", ()):
            self._started.pop(id, None)  # of an attempt that failed
        running, now = self._running(), self._clock()
        for id, job in running.items():
            if id not in self._started:
                self._started[id] = now
                rule = self._rule(self._name_of(job))
                rule.threads, rule.uses_gpu = job.threads, bool(job.scheduler_resources.get("gpu"))
        rules = [self._rule(self._name_of(job)) for job in running.values()]
        self._busy_threads = max(self._busy_threads, sum(rule.threads for rule in rules))
        self._busy_gpus = max(self._busy_gpus, sum(rule.uses_gpu for rule in rules))

    def _end(self, record: logging.LogRecord) -> None:
        id = record.job_id  # type: ignore[attr-defined]
        job, start = self._take(id), self._started.pop(id, None)
        if job is not None and start is not None:
            self._rule(self._name_of(job)).add(self._clock() - start)

    def _take(self, id: int) -> Any:
        """Remove a job from those that are left, and return it; None if it was not among them."""
        job = self._left.pop(id, None)
        if job is not None and job.benchmark:
            self._counts[self._name_of(job)] -= 1
        return job

    def outlook(self) -> str:
        """What is running and the time left, as the end of a line; empty after the last job."""
        self._leave_out_what_failed()
        running = {id: job for id, job in self._running().items() if id in self._left}
        now = self._clock()
        seconds = {id: now - self._started.get(id, now) for id in running}
        return _said_of(running, seconds) + self._time_left(running, seconds)

    def _leave_out_what_failed(self) -> None:
        """With `keep-going`, what does not depend on a failed job goes on."""
        if failed := [job for entry in self._workflow.scheduler.failed for job in _jobs_in(entry)]:
            dag = self._workflow.dag
            for job in dag.bfs(dag.depending, *failed):
                self._take(dag.jobid(job))

    def _time_left(self, running: dict[int, Any], seconds: dict[int, float]) -> str:
        counts = +self._counts
        known = {name: rule for name in counts if (rule := self._rule(name)).ended}
        if not known:
            return ""
        rest = {id: max(0.0, self._rule(self._name_of(job)).mean - seconds[id]) for id, job in running.items()}
        waiting = counts - Counter(self._name_of(job) for job in running.values())
        work = {name: waiting[name] * rule.mean for name, rule in known.items()}
        for id, job in running.items():
            if self._name_of(job) in work:
                work[self._name_of(job)] += rest[id]
        bounds = [
            sum(work[name] * rule.threads for name, rule in known.items()) / self._busy_threads,
            sum(work[name] for name, rule in known.items() if rule.uses_gpu) / self._busy_gpus,
            *(rule.mean for name, rule in known.items() if waiting[name]),
            *rest.values(),
        ]
        return self._when(math.ceil(max(bounds) / 60) * 60, len(counts) - len(known))

    def _when(self, seconds: int, unknown: int) -> str:
        date = "%H:%M" if seconds < HALF_A_DAY else "%a %H:%M" if seconds < SIX_DAYS else "%d %b %H:%M"
        end = time.strftime(date, time.localtime(self._clock() + seconds))
        if not unknown:
            return f". About {roughly(seconds)} left (until {end})"
        rules = "one rule has" if unknown == 1 else f"{unknown} rules have"
        return f". At least {roughly(seconds)} left (not before {end}); {rules} not run yet"


def _jobs_in(entry: Any) -> Iterator[Any]:
    """A job itself, or the jobs of a group."""
    if entry.is_group():
        yield from entry
    else:
        yield entry


def _said_of(running: dict[int, Any], seconds: dict[int, float]) -> str:
    if not running:
        return ""
    if len(running) > NAMED_JOBS:
        rules: Iterable[tuple[str, int]] = Counter(job.rule.name for job in running.values()).most_common()
        return f". {len(running)} running ({', '.join(f'{count} {rule}' for rule, count in rules)})"
    names = (f"{job.message or job.rule.name} ({duration(seconds[id])} so far)" for id, job in running.items())
    return f". Running: {'; '.join(names)}"
