"""The line of progress of a run: what is running, and when it is expected to end."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.logging import DefaultFormatter

from scripts.lib.jobs.run_progress import RunProgress

NOON = time.mktime((2026, 11, 29, 12, 0, 0, 0, 0, -1))


class Job(SimpleNamespace):
    """A job as Snakemake's graph has it."""

    def is_group(self) -> bool:
        return False

    def __hash__(self) -> int:
        return int(self.number)


class Group(list[Job]):
    """Jobs that are submitted as one."""

    def is_group(self) -> bool:
        return True

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


class Run:
    """A workflow whose jobs the test starts and ends, and the events that Snakemake's logger would get."""

    def __init__(self, benchmarks: Path, **rules: int) -> None:
        self.now = NOON
        self.jobs: list[Job] = []
        self.dag = self.scheduler = self
        self.running: set[Any] = set()
        self.failed: set[Any] = set()
        self.depending: dict[Job, list[Job]] = {}
        self.progress = RunProgress(self, benchmarks, lambda: self.now)
        for rule, count in rules.items():
            self.add(rule, count)
        self.event("run_info")

    def add(self, rule: str, count: int, gpu: int = 0, benchmark: bool = True) -> list[Job]:
        added = [
            Job(
                number=len(self.jobs) + i,
                rule=SimpleNamespace(name=rule),
                message=None,
                threads=1,
                benchmark="a file" if benchmark else None,
                scheduler_resources={"gpu": gpu},
            )
            for i in range(count)
        ]
        self.jobs += added
        return added

    def needrun_jobs(self) -> list[Job]:
        return self.jobs

    def jobid(self, job: Job) -> int:
        return int(job.number)

    def bfs(self, _: Any, *jobs: Job) -> Iterator[Job]:
        for job in jobs:
            yield from [job, *self.depending.get(job, [])]

    def event(self, event: str, **values: Any) -> None:
        self.progress.emit(logging.makeLogRecord({"event": event, **values}))

    def start(self, *entries: int | Group) -> None:
        self.running |= {self.jobs[entry] if isinstance(entry, int) else entry for entry in entries}
        self.event("job_started", jobs=[entry if isinstance(entry, int) else "a group's" for entry in entries])

    def end(self, *numbers: int) -> None:
        for number in numbers:
            self.running.discard(self.jobs[number])
            self.event("job_finished", job_id=number)

    def said(self) -> str:
        return self.progress.outlook()


@pytest.fixture
def benchmarks(tmp_path: Path) -> Path:
    return tmp_path / "benchmarks"


def test_the_mean_of_a_rule_over_the_threads_that_are_busy(benchmarks: Path) -> None:
    run = Run(benchmarks, train=7)
    run.start(0, 1)
    run.now += 600
    run.end(0)
    # Two threads were busy: five trainings of 600 s each, and one that is expected to end now.
    assert run.said() == ". Running: train (10 min 00 s so far). About 25 minutes left (until 12:35)"
    run.start(2)
    assert run.said().startswith(". Running: train (10 min 00 s so far); train (0.0 s so far). About 25 minutes")
    for number in range(1, 7):
        run.start(number)
        run.end(number)
    assert run.said() == ""


def test_a_rule_with_another_name_shares_what_is_known_by_their_benchmark_files(benchmarks: Path) -> None:
    (benchmarks / "train").mkdir(parents=True)
    (benchmarks / "train" / "a.tsv").write_text("s\tmax_rss\n600\t100\n", encoding="utf-8")
    run = Run(benchmarks)
    [job] = run.add("train_base", 1)
    job.benchmark = str(benchmarks / "train" / "b.tsv")
    run.event("run_info")
    run.start(0)
    assert run.said() == ". Running: train_base (0.0 s so far). About 10 minutes left (until 12:10)"


@pytest.mark.parametrize("started", [(1,), ()])
def test_a_long_job_bounds_the_time_left(benchmarks: Path, started: tuple[int, ...]) -> None:
    run = Run(benchmarks, train=2, infer=8)
    run.start(0, *range(2, 10))
    run.now += 60
    run.end(*range(2, 10))
    run.now += 3540
    run.end(0)
    run.start(*started)
    # Nine threads were busy, but the training of an hour is not shared among them.
    assert run.said().endswith("About 60 minutes left (until 14:00)")


def test_jobs_that_take_turns_on_a_gpu_are_not_divided_by_the_cores(benchmarks: Path) -> None:
    run = Run(benchmarks, short=16)
    run.add("train", 5, gpu=1)
    run.event("run_info")
    run.start(*range(17))
    run.now += 600
    run.end(*range(17))
    assert run.said() == ". About 40 minutes left (until 12:50)"


def test_rules_that_have_not_run_make_it_a_lower_bound(benchmarks: Path) -> None:
    run = Run(benchmarks, train=2, infer=2, report=1)
    assert run.said() == ""
    run.start(0)
    run.now += 120
    run.end(0)
    assert run.said() == ". At least 2 minutes left (not before 12:04); 2 rules have not run yet"


def test_earlier_runs_count_by_rule(benchmarks: Path) -> None:
    """Files of several rules are in one folder; of others, in a folder for each validation set."""
    for name, seconds in {"pairwise/clean/a": "60.0", "pairwise/noise/a": "180.0", "study": "0.1"}.items():
        path = benchmarks / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:01:40\tNA\n")
    (benchmarks / "killed.tsv").write_text("")
    run = Run(benchmarks, pairwise=3)
    assert run.said() == ". About 6 minutes left (until 12:06)"
    run = Run(benchmarks, effects=3)
    assert run.said() == ""


def test_the_target_takes_moments(benchmarks: Path) -> None:
    run = Run(benchmarks)
    run.add("all", 1, benchmark=False)
    run.event("run_info")
    assert run.said() == ""


def test_many_running_jobs_are_counted(benchmarks: Path) -> None:
    run = Run(benchmarks, train=4, infer=2)
    run.start(0, 1, 2, 3, 4)
    assert run.said() == ". 5 running (4 train, 1 infer)"


def test_the_jobs_of_a_group_are_timed(benchmarks: Path) -> None:
    run = Run(benchmarks, pairwise=4)
    group = Group(run.jobs[:2])
    run.start(group)
    run.now += 120
    run.running.clear()
    run.end(0, 1)
    assert run.said() == ". About 2 minutes left (until 12:04)"


def test_another_attempt_is_timed_from_its_own_start(benchmarks: Path) -> None:
    run = Run(benchmarks, train=2)
    run.start(0)
    run.now += 600
    run.running.clear()  # it has failed and is started again
    run.start(0)
    run.now += 60
    assert run.said() == ". Running: train (1 min 00 s so far)"
    run.end(0)
    assert run.said() == ". About 1 minute left (until 12:12)"


def test_failed_jobs_and_what_depends_on_them_are_left_out(benchmarks: Path) -> None:
    run = Run(benchmarks, train=3, infer=3)
    run.start(0, 1)
    run.now += 60
    run.end(0)
    run.running.discard(run.jobs[1])
    run.failed.add(run.jobs[1])
    run.depending[run.jobs[1]] = run.jobs[3:]
    assert run.said() == ". About 1 minute left (until 12:02)"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(50_000, "About 13.9 hours left (until Mon 01:54)"), (700_000, "About 194.4 hours left (until 07 Dec 14:27)")],
)
def test_a_later_day_is_named(benchmarks: Path, seconds: float, said: str) -> None:
    benchmarks.mkdir()
    (benchmarks / "train.tsv").write_text(f"s\n{seconds}\n")
    assert Run(benchmarks, train=1).said() == f". {said}"


@pytest.mark.parametrize("workflow", [None, SimpleNamespace(dag=None), SimpleNamespace(dag=SimpleNamespace())])
def test_an_error_never_reaches_the_run(workflow: Any, tmp_path: Path) -> None:
    logger = logging.getLogger("snakemake.logging")
    stream = logging.StreamHandler()
    stream.setFormatter(DefaultFormatter(set()))
    logger.addHandler(stream)
    progress = RunProgress(workflow, tmp_path)
    try:
        for event in ("run_info", "job_started", "job_finished", "job_error"):
            progress.emit(logging.makeLogRecord({"event": event}))
        said = stream.format(logging.makeLogRecord({"event": "progress", "done": 1, "total": 4}))
    finally:
        logger.removeHandler(stream)
    assert said == "1 of 4 steps (25%) done"


def test_snakemakes_line_is_completed(benchmarks: Path) -> None:
    logger = logging.getLogger("snakemake.logging")
    stream = logging.StreamHandler()
    stream.setFormatter(DefaultFormatter(set()))
    logger.addHandler(stream)
    try:
        run = Run(benchmarks, train=2)
        run.start(0)
        record = logging.makeLogRecord({"event": "progress", "done": 1, "total": 4})
        assert stream.format(record) == "1 of 4 steps (25%) done. Running: train (0.0 s so far)"
        run.failed = None  # type: ignore[assignment]  # as if another version had another attribute
        assert stream.format(record) == "1 of 4 steps (25%) done"
    finally:
        logger.removeHandler(stream)
