"""What a report says of members from elsewhere: found, skipped, how they were read, and what they lack."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.jobs.storage import load_json
from scripts.lib.measures.spec import MEASURES
from scripts.lib.report.labels import in_words, quantity
from scripts.lib.report.tables import Table
from scripts.lib.study.resolve import WITH_WEIGHTS

MOST_NAMES = 8
MOST_SKIPPED = 50


def found_table(study: Mapping[str, Any]) -> Table | None:
    """What the entries with `from` stand for: how many files became members, and which did not, and why."""
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for row in study["zoo"]:
        entries.setdefault(row["entry"], []).append(row)
    rows = []
    for entry, found in entries.items():
        members = [row["member"] for row in found if row["member"]]
        skipped = [row for row in found if not row["member"]]
        rows.append([entry, f"{len(members)} members", shortened(members)])
        rows += [[entry, "skipped", f"{row['path']}: {row['reason']}"] for row in skipped[:MOST_SKIPPED]]
        if len(skipped) > MOST_SKIPPED:
            rows.append([entry, "skipped", f"{len(skipped) - MOST_SKIPPED} more files"])
    header = ["Entry", "Found", "Which"]
    return Table("Files that members were taken from", header, rows, text_columns=3) if rows else None


def reading_table(folder: Path, study: Mapping[str, Any]) -> Table | None:
    """How predictions and weights that were not made here were read; members that were read alike share a row."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    alike: dict[tuple[str, str], dict[str, set[str]]] = {}
    for member in study["members"]:
        for where, values, remarks in _readings(folder, member, datasets):
            alike.setdefault((values, remarks), {}).setdefault(member["id"], set()).add(where)
    rows = [
        [values, remarks or "–", _places(members, datasets), shortened(list(members))]
        for (values, remarks), members in alike.items()
    ]
    header = ["Read as", "Remarks", "Datasets", "Members"]
    return Table("How models and files from elsewhere were read", header, rows, text_columns=4) if rows else None


def _readings(folder: Path, member: Mapping[str, Any], datasets: Sequence[str]) -> list[tuple[str, str, str]]:
    """Dataset (empty for weights), what the file held, and remarks."""
    if member["kind"] in ("timm", "torchvision"):
        record = load_json(folder / "checkpoints" / f"{member['id']}.json")
        return [("", "weights", "; ".join(record["imported"]["remarks"]))]
    if member["kind"] in WITH_WEIGHTS:
        return []
    records = {dataset: load_json(folder / "predictions" / dataset / f"{member['id']}.json") for dataset in datasets}
    return [(dataset, record["values"], "; ".join(record["remarks"])) for dataset, record in records.items()]


def _places(members: Mapping[str, set[str]], datasets: Sequence[str]) -> str:
    """The datasets on which any of these members was read like this."""
    places = set().union(*members.values())
    return ", ".join(in_words(dataset) for dataset in datasets if dataset in places) or "all"


def partial_table(study: Mapping[str, Any]) -> Table | None:
    """Measures that need more than predictions, where some members have nothing else."""
    weighted = [member["id"] for member in study["members"] if member["kind"] in WITH_WEIGHTS]
    everyone = len(study["members"])
    partial = [name for name in study["measures"] if MEASURES[name].needs != "predictions"]
    if len(weighted) == everyone or not partial:
        return None
    over = f"{len(weighted)} of {everyone} members: {shortened(weighted)}"
    said = over if len(weighted) > 1 else "left out: fewer than two members have what it compares"
    rows = [[quantity(MEASURES[name].diversity).title, said] for name in partial]
    caption = "Measures that need a network, not only its predictions, and the members that they compare"
    return Table(caption, ["Measure", "Computed over"], rows, text_columns=2)


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
