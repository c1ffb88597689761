"""What a report says about external members: which were found or skipped, how they were read, what they lack."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from scripts.lib.jobs.storage import load_json
from scripts.lib.measures.spec import MEASURES
from scripts.lib.members.spec import kind_of
from scripts.lib.reading.doubts import copies, samples_and_rows
from scripts.lib.report.labels import counted, in_words, listed, quantity
from scripts.lib.report.tables import Table

MOST_NAMES = 8
MOST_SKIPPED = 50
MOST_COPIES = 5


def found_table(study: Mapping[str, Any]) -> Table | None:
    """What the entries with `from` found: how many files became members, which files did not, and why."""
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for row in study["zoo"]:
        entries.setdefault(row["entry"], []).append(row)
    rows = []
    for entry, found in entries.items():
        members = [row["member"] for row in found if row["member"]]
        skipped = [row for row in found if not row["member"]]
        rows.append([entry, counted(len(members), "member"), shortened(members)])
        rows += [[entry, "skipped", f"{row['path']}: {row['reason']}"] for row in skipped[:MOST_SKIPPED]]
        if len(skipped) > MOST_SKIPPED:
            rows.append([entry, "skipped", f"{len(skipped) - MOST_SKIPPED} more files"])
    header = ["Entry", "Found", "Which"]
    return Table("Files that became external members", header, rows, text_columns=3) if rows else None


def reading_table(folder: Path, study: Mapping[str, Any]) -> Table | None:
    """How the predictions and weights of external members were read; members read in the same way share a row."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    alike: dict[tuple[str, str], dict[str, set[str]]] = {}
    for member in study["members"]:
        for where, values, remarks in _readings(folder, member, datasets):
            alike.setdefault((values, remarks), {}).setdefault(member["id"], set()).add(where)
    rows = [
        [values, remarks or "–", _datasets_of(members, datasets), shortened(list(members))]
        for (values, remarks), members in alike.items()
    ]
    header = ["Read as", "Remarks", "Datasets", "Members"]
    return Table("How external models and files were read", header, rows, text_columns=4) if rows else None


def _readings(folder: Path, member: Mapping[str, Any], datasets: Sequence[str]) -> list[tuple[str, str, str]]:
    """Dataset (empty for weights), what the file held, and remarks."""
    if kind_of(member).origin == "weights":
        record = load_json(folder / "checkpoints" / f"{member['id']}.json")
        return [("", "weights", "; ".join(record["imported"]["remarks"]))]
    if kind_of(member).has_network:
        return []
    records = {dataset: _record(folder, member, dataset) for dataset in datasets}
    return [(dataset, record["values"], "; ".join(record["remarks"])) for dataset, record in records.items()]


def _record(folder: Path, member: Mapping[str, Any], dataset: str) -> Mapping[str, Any]:
    record: Mapping[str, Any] = load_json(folder / "predictions" / dataset / f"{member['id']}.json")
    return record


def doubts(folder: Path, study: Mapping[str, Any]) -> list[str]:
    """Sentences on members without a network whose files are probably mistaken: copies, and too few labels."""
    members = [member for member in study["members"] if not kind_of(member).has_network]
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    alike: dict[tuple[str, ...], list[str]] = {}
    sentences = []
    for dataset in datasets:
        records = [_record(folder, member, dataset) for member in members]
        for names in copies(records):
            alike.setdefault(tuple(names), []).append(dataset)
        if few := samples_and_rows(records):
            sentences.append(
                f"{in_words(dataset)}: labels for {few[0]} of the {few[1]} predicted samples, and only these samples "
                "count. Is the file of labels complete?"
            )
    return [*sentences, *_on_copies(alike, len(datasets))]


def _on_copies(alike: Mapping[tuple[str, ...], Sequence[str]], datasets: int) -> Iterator[str]:
    for names, sets in islice(alike.items(), MOST_COPIES):
        where = "every validation set" if len(sets) == datasets else listed(map(in_words, sets))
        shown = listed(names) if len(names) <= MOST_NAMES else shortened(names)
        yield f"{shown} have the same predictions on {where}. Are their files copies?"
    if len(alike) > MOST_COPIES:
        yield f"{len(alike) - MOST_COPIES} more groups of members have the same predictions."


def _datasets_of(members: Mapping[str, set[str]], datasets: Sequence[str]) -> str:
    """The datasets on which any of these members was read in this way."""
    found = set().union(*members.values())
    return ", ".join(in_words(dataset) for dataset in datasets if dataset in found) or "all"


def partial_table(study: Mapping[str, Any]) -> Table | None:
    """Measures that need more than predictions, if some members have only predictions."""
    weighted = [member["id"] for member in study["members"] if kind_of(member).has_network]
    everyone = len(study["members"])
    partial = [name for name in study["measures"] if MEASURES[name].needs != "predictions"]
    if len(weighted) == everyone or not partial:
        return None
    over = f"{len(weighted)} of {everyone} members: {shortened(weighted)}"
    said = over if len(weighted) > 1 else "left out: fewer than two members have a network"
    rows = [[quantity(MEASURES[name].diversity).title, said] for name in partial]
    caption = "Measures that need a network and not only its predictions, and the members that they compare"
    return Table(caption, ["Measure", "Computed over"], rows, text_columns=2)


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
