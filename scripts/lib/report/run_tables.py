"""The report's tables of how a study was made: software, time and memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.lib.jobs.benchmark_files import costs_of_jobs
from scripts.lib.jobs.storage import load_json
from scripts.lib.jobs.versions import versions
from scripts.lib.members.files import record_of_training
from scripts.lib.report.labels import in_words, plain
from scripts.lib.report.tables import Table, duration


def software_table(folder: Path, study: Mapping[str, Any]) -> Table:
    """Software versions of this report and of the training of the members."""
    trained: dict[str, set[str]] = {}
    for member in study["members"]:
        path = record_of_training(folder, member)
        for name, version in (load_json(path).get("versions", {}) if path.exists() else {}).items():
            trained.setdefault(name, set()).add(str(version))
    now = versions()
    names = [*now, *(name for name in trained if name not in now)]
    rows = [[name, now.get(name, "–"), ", ".join(sorted(trained.get(name, {"–"})))] for name in names]
    return Table("Software versions", ["Software", "This report", "Training"], rows, text_columns=3)


def durations_table(benchmarks: Path) -> Table | None:
    """Seconds and memory of each rule, summed over its jobs, from Snakemake's benchmark files.

    None if there are none, as where jobs share no file system.
    """
    rules = costs_of_jobs(benchmarks)
    if not rules:
        return None
    spent = {rule: sum(cost.seconds for cost in costs) for rule, costs in rules.items()}
    rows = [
        [
            in_words(rule),
            str(len(rules[rule])),
            duration(spent[rule]),
            duration(max(cost.seconds for cost in rules[rule])),
            plain(max(cost.megabytes for cost in rules[rule]), 0),
        ]
        for rule in sorted(rules, key=lambda rule: -spent[rule])
    ]
    rows.append(["All", str(sum(map(len, rules.values()))), duration(sum(spent.values())), "", ""])
    caption = "Time and memory of each stage (jobs run in parallel, so the wall-clock time is shorter)"
    return Table(caption, ["Stage", "Jobs", "Time of all jobs", "Longest job", "Peak memory (MB)"], rows)
