"""How a study's results were made, and an archive of them that others can verify."""

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from scripts.lib.jobs.benchmark_files import costs_of_jobs
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import digest_of_file, load_json, whole_file
from scripts.lib.jobs.versions import versions

# What a study was run with.
ENVIRONMENT = ["requirements.lock", "CITATION.cff", "LICENSE"]


def study_hash(study: Mapping[str, Any]) -> str:
    """SHA-256 of the complete study: equal hashes mean the same settings, defaults and recipes included."""
    return hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest()


def provenance(folder: Path, predictions: Sequence[str], tables: Sequence[str]) -> dict[str, Any]:
    """Study hash, commit, versions, seeds, devices, seconds of each stage, and the SHA-256 of every table.

    `predictions` are the folders with the records of all members, one for each validation set. The tables themselves
    contain none of this: their bytes are the same however often a study is run on a machine. The seconds are those that
    Snakemake's benchmark files below `folder` say; without a shared file system, these are not where this job runs.
    """
    study = load_json(folder / "study.json")
    records = [load_json(path) for dataset in predictions for path in sorted(Path(dataset).glob("*.json"))]
    return {
        "study": study["name"],
        "study_hash": study_hash(study),
        "versions": versions(),
        "seeds": {"study": study["seed"]} | {m["id"]: m["seed"] for m in study["members"] if "seed" in m},
        "devices": sorted({str(record["device"]) for record in records if "device" in record}),
        "seconds": seconds_of_stages(folder / "benchmarks"),
        "tables": {str(Path(path).relative_to(folder)): digest_of_file(path) for path in sorted(tables)},
    }


def seconds_of_stages(benchmarks: Path) -> dict[str, float]:
    """Total seconds of the jobs of each rule, from Snakemake's benchmark files."""
    costs = costs_of_jobs(benchmarks)
    return {rule: round(sum(cost.seconds for cost in costs[rule]), 3) for rule in costs}


def archive(folder: Path, results: Sequence[str], output: str | Path) -> None:
    """Pack the `results` of a study in `folder`, locked packages and checksums of all of them into one .tar.gz.

    Of a folder among the results, all files are packed. After unpacking, `sha256sum --check SHA256SUMS` in the study's
    folder verifies every file. Raises StudyError if one of the results is missing.
    """
    if missing := [path for path in results if not Path(path).exists()]:
        raise StudyError(f"{', '.join(missing)} is missing: run the study to its end before you archive it.")
    files = {path.relative_to(folder): path for result in results for path in _files_of(Path(result))}
    files |= {Path(name): ROOT / name for name in ENVIRONMENT}
    sums = "".join(f"{digest_of_file(path)}  {name}\n" for name, path in sorted(files.items())).encode()
    with whole_file(output) as part, tarfile.open(part, "w:gz") as packed:
        for name, path in sorted(files.items()):
            packed.add(path, Path(folder.name, name))
        entry = tarfile.TarInfo(f"{folder.name}/SHA256SUMS")
        entry.size = len(sums)
        packed.addfile(entry, BytesIO(sums))


def _files_of(result: Path) -> list[Path]:
    """A file itself, or the files in a folder without Snakemake's own."""
    return [path for path in result.glob("[!.]*") if path.is_file()] if result.is_dir() else [result]
