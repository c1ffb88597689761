"""What a study holds and will cost, in a few lines, for whoever has just written its file."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.ensembles.sizes import evaluated_ensembles, is_exhaustive, sizes_of
from scripts.lib.jobs.amounts import disk, roughly
from scripts.lib.jobs.device import choose_device, device_name
from scripts.lib.jobs.errors import listing
from scripts.lib.members.spec import kind_of
from scripts.lib.study.contents import Contents, contents_of
from scripts.lib.study.estimate import NOTHING, Estimate
from scripts.lib.study.estimate_tables import UNCERTAINTY, seconds_of_tables, tables_megabytes

MOST_SKIPPED = 10


def summary(study: dict[str, Any], skipped: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Lines on sets, classes, members, ensembles, time and disk of a resolved study of existing models.

    `skipped` are (path, reason) of files that the study file does not mention. Raises StudyError if labels and the
    first member's files do not fit together.
    """
    contents = contents_of(study)
    yield from _sets(study["datasets"]["validation"], contents)
    if contents.classes:
        yield _line("classes", f"{len(contents.classes)}: {listing(contents.classes)}")
    members = study["members"]
    yield _line("members", f"{len(members)} ({members[0]['kind']}): {listing(member['id'] for member in members)}")
    if contents.first_files:
        yield _line("values", _values(contents.first_files, members[0]["id"]))
    left_out = [*skipped, *((row["path"], row["reason"]) for row in study["zoo"] if not row["member"])]
    left_out = list(dict(left_out).items())
    for number, (path, reason) in enumerate(left_out[:MOST_SKIPPED]):
        yield _line("" if number else "skipped", f"{path}: {reason}")
    if len(left_out) > MOST_SKIPPED:
        yield _line("", f"and {len(left_out) - MOST_SKIPPED} more")
    yield _line("ensembles", _ensembles(study["ensembles"], len(members)))
    yield from _cost(study, contents)


def command(output: Path, snakefile: Path) -> str:
    """The command that runs the study file `output` from the folder in which this process runs."""
    program = _shorter(Path(sys.executable).parent / "snakemake")
    option = "" if Path("Snakefile").resolve() == snakefile.resolve() else f" --snakefile {_shorter(snakefile)}"
    return f"{program}{option} --cores all --configfile {output}"


def _shorter(path: Path) -> str:
    return min(os.path.relpath(path), str(path), key=len)


def _sets(validation: Sequence[Mapping[str, Any]], contents: Contents) -> Iterator[str]:
    width = max(len(dataset["id"]) for dataset in validation)
    for number, dataset in enumerate(validation):
        source = dataset.get("labels") or dataset.get("folder") or f"a copy of {dataset.get('of')} with corruptions"
        clean = " (the clean set; CLEAN=… names another)" if not number and len(validation) > 1 else ""
        title = "" if number else "validation sets" if len(validation) > 1 else "validation set"
        samples = f"{contents.samples[dataset['id']]}{_of_rows(dataset['id'], contents)} samples"
        yield _line(title, f"{dataset['id']:{width}}  {samples}, {source}{clean}")


def _of_rows(dataset: str, contents: Contents) -> str:
    """How many samples the first member's file has, if not all of them have labels."""
    rows = contents.first_files.get(dataset, {}).get("rows", 0)
    return f" of the {rows} predicted" if rows > contents.samples[dataset] else ""


def _values(files: Mapping[str, Mapping[str, Any]], member: str) -> str:
    """As what the values of the first member's files were read."""
    sets: dict[str, list[str]] = {}
    for dataset, details in files.items():
        sets.setdefault(details["values"], []).append(dataset)
    each = [f"{values} on {listing(datasets)}" for values, datasets in sets.items()]
    return f"read as {' and '.join(each) if len(sets) > 1 else next(iter(sets))} in the files of {member}"


def _ensembles(settings: Mapping[str, Any], members: int) -> str:
    count = evaluated_ensembles(members, settings["sizes"], settings["per_size"])
    sizes = sizes_of(members, settings["sizes"])
    which = "all" if is_exhaustive(members, settings["sizes"]) else f"{settings['per_size']} of each size, drawn"
    ways = " and by ".join(CONSENSUS_METHODS[name].title for name in settings["consensus"])
    return f"{count} on each set ({which}), of {sizes[0]} to {sizes[-1]} members, by {ways}" if count else "none"


def _cost(study: dict[str, Any], contents: Contents) -> Iterator[str]:
    """Time and disk. The networks of members are timed on this machine's device."""
    networks = [member for member in study["members"] if kind_of(member).has_network]
    cores = os.cpu_count() or 1
    seconds, parts = seconds_of_tables(study, contents) / cores, []
    megabytes = {"tables": tables_megabytes(study)}
    device = choose_device(study["device"], study["threads"])
    estimate = Estimate(study, device, contents)
    if networks:
        inference = sum((estimate.inference(member) for member in networks), NOTHING).middle
        inference /= cores if device.type == "cpu" else 1  # one job at a time uses a GPU
        seconds += inference
        parts.append(f"of which inference {roughly(inference)} on {device_name(device)}")
    if len(networks) < len(study["members"]) and study["members"][0]["kind"] != "predictions":
        parts.append("without the members' own programs and ONNX files, whose speed is not known")
    parts.append(f"accurate to about a factor of {UNCERTAINTY}")
    yield _line("time", f"about {roughly(seconds)} on the {cores} cores of this machine ({'; '.join(parts)})")
    megabytes |= estimate.megabytes(study["members"])
    yield _line("disk", f"about {disk(sum(megabytes.values()))} below results/{study['name']}")


def _line(title: str, text: str) -> str:
    return f"  {title:16}{text}"
