"""Time and memory of finished jobs, from the files that Snakemake writes for the directive `benchmark`."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds that a job took, and its largest memory in MB."""

    seconds: float
    megabytes: float


def costs_of_jobs(benchmarks: Path) -> dict[str, list[Cost]]:
    """The costs of the jobs of each rule. `benchmarks` has {rule}.tsv or {rule}/…/….tsv; it need not exist."""
    rules: dict[str, list[Cost]] = {}
    for path in sorted(benchmarks.rglob("*.tsv")):
        rule = path.relative_to(benchmarks).parts[0].removesuffix(".tsv")
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file, delimiter="\t"))
        found = rules.setdefault(rule, [])
        found.extend(Cost(_number(line.get("s")), _number(line.get("max_rss"))) for line in lines)
    return {rule: costs for rule, costs in rules.items() if costs}


def _number(text: str | None) -> float:
    """Snakemake writes `NA` or `-` for a job that ended before it was measured."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
