"""The line of progress of a run: what is running, and when it is expected to end."""

import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.logging import DefaultFormatter

from scripts.lib.jobs.run_progress import RunProgress

NOON = time.mktime((2026, 11, 29, 12, 0, 0, 0, 0, -1))


class Run:
    """A graph of jobs as Snakemake has it, a clock, and the events that Snakemake's logger would get."""

    def __init__(self, **rules: int) -> None:
        self.now = NOON
        self.jobs: list[Any] = []
        self.handler = RunProgress(lambda: self, lambda: self.now)
        for rule, count in rules.items():
            self.add(rule, count)

    def add(self, rule: str, count: int, threads: int = 1, benchmark: str | None = "absent/x.tsv") -> None:
        for _ in range(count):
            id = len(self.jobs)
            name = SimpleNamespace(name=rule)
            self.jobs.append(SimpleNamespace(id=id, rule=name, message=None, threads=threads, benchmark=benchmark))

    def needrun_jobs(self, exclude_finished: bool) -> list[Any]:
        assert not exclude_finished  # the line is written before Snakemake itself marks the job as finished
        return self.jobs

    def jobid(self, job: Any) -> int:
        return int(job.id)

    def event(self, event: str, **values: Any) -> None:
        record = logging.makeLogRecord({"event": event, **values})
        self.handler.emit(record)

    def start(self, *ids: int) -> None:
        self.event("job_started", jobs=list(ids))

    def end(self, id: int) -> None:
        self.event("job_finished", job_id=id)


def test_time_left_is_the_mean_of_the_rule_over_the_threads_that_are_busy() -> None:
    run = Run(train=7)
    run.start(0, 1)
    run.now += 600
    run.end(0)
    # One has just ended, but two threads are busy: five trainings of 600 s each, and one that is expected to end now.
    assert run.handler.outlook() == ". Running: train for 10 min 00 s. About 25 minutes left, until 12:35"
    run.start(2)
    assert run.handler.outlook() == (
        ". Running: train for 10 min 00 s, train for 0.0 s. About 25 minutes left, until 12:35"
    )
    for id in range(1, 7):
        run.start(id)
        run.end(id)
    assert run.handler.outlook() == ""


def test_a_long_job_that_runs_alone_bounds_the_time_left() -> None:
    run = Run(train=2, infer=8)
    run.start(0, *range(2, 10))
    run.now += 60
    run.end(2)
    run.now += 3540
    run.end(0)
    run.start(1)
    # Eight threads are busy, but the training of an hour is not shared among them.
    assert run.handler.outlook().endswith("About 60 minutes left, until 14:00")


def test_rules_that_have_not_run_make_it_a_lower_bound() -> None:
    run = Run(train=2, infer=2, report=1)
    assert run.handler.outlook() == ""
    run.start(0)
    run.now += 120
    run.end(0)
    assert run.handler.outlook() == ". At least 2 minutes left, until 12:04, and 2 rules that have not run yet"


def test_jobs_of_earlier_runs_count(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name, seconds in (("a", "100.5"), ("b", "200.5")):
        (tmp_path / "train" / f"{name}.tsv").write_text(f"s\th:m:s\n{seconds}\t0:01:40\n")
    (tmp_path / "train" / "killed.tsv").write_text("")
    run = Run()
    run.add("train", 2, benchmark=str(tmp_path / "train" / "c.tsv"))
    assert run.handler.outlook() == ". About 6 minutes left, until 12:05"


def test_a_rule_without_benchmark_file_takes_moments() -> None:
    run = Run()
    run.add("all", 1, benchmark=None)
    assert run.handler.outlook() == ". About 1 minute left, until 12:00"


def test_many_running_jobs_are_counted_and_failed_ones_are_not_running() -> None:
    run = Run(train=4, infer=2)
    run.start(0, 1, 2, 3, 4)
    assert run.handler.outlook() == ". 5 running (4 train, 1 infer)"
    for id in (0, 1):
        run.event("job_error", jobid=id)
    run.now += 5
    assert run.handler.outlook() == ". Running: train for 5.0 s, train for 5.0 s, infer for 5.0 s"


def test_an_unknown_start_is_not_timed() -> None:
    run = Run(train=2)
    run.end(0)
    assert run.handler.outlook() == ""


@pytest.mark.parametrize("graph", [None, SimpleNamespace()])
def test_snakemakes_own_line_stays_if_its_graph_has_another_form(graph: Any) -> None:
    logger = logging.getLogger("snakemake.logging")
    stream = logging.StreamHandler()
    stream.setFormatter(DefaultFormatter(set()))
    logger.addHandler(stream)
    try:
        RunProgress(lambda: graph).emit(logging.makeLogRecord({"event": "run_info"}))
        said = stream.format(logging.makeLogRecord({"event": "progress", "done": 1, "total": 4}))
    finally:
        logger.removeHandler(stream)
    assert said == "1 of 4 steps (25%) done"
