"""Compute the tables of a study again from its archived predictions, and compare them with those that were published.

`python -m scripts.lib.study.verify STUDY ARCHIVE [--published FOLDER]`

STUDY is the study file, ARCHIVE what `make archive-predictions` packed. With the folder of the published tables, those
that are not the same byte for byte are compared by value. Attributions and activations are not in the archive, so the
tables that only they decide are taken from it and not computed again.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import digest_of_file, load_array, load_json, load_table
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve

# Numbers of two machines may differ by rounding: of sums in another order, for example.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Comparison:
    """A table, how it differs from the published one (empty if it does not), and whether that is more than rounding."""

    table: str
    difference: str = ""
    differs: bool = False


def unpack(archive: Path, folder: Path, study: Mapping[str, Any]) -> Path:
    """Unpack an archive of predictions into `folder`/results; return the study's folder there.

    Raises StudyError if it is no such archive, is damaged, or is of another study.
    """
    results = folder / "results"
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(results, filter="data")
    except (OSError, tarfile.TarError, EOFError) as error:
        raise StudyError(f"ARCHIVE: {archive} cannot be unpacked ({error}).") from None
    found = results / study["name"]
    if not (found / "SHA256SUMS").is_file() or not (found / "provenance.json").is_file():
        raise StudyError(f"ARCHIVE: {archive} has no predictions of a study named {study['name']}.")
    for line in (found / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        expected, name = line.split(maxsplit=1)
        if not (found / name).is_file() or digest_of_file(found / name) != expected:
            raise StudyError(f"ARCHIVE: {name} in {archive} is damaged or missing. Get the archive again.")
    if load_json(found / "provenance.json")["study_hash"] != study_hash(study):
        raise StudyError(f"STUDY: the settings are not those with which {archive} was made (see study.json in it).")
    for path in found.rglob("*"):
        os.utime(path, (0, 0))  # all equally old, so that nothing of it is made again
    return found


def compute(study: Path, folder: Path, targets: list[str], cores: str) -> None:
    """Run the workflow from what was unpacked to the tables. Raises StudyError if it fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(study.resolve()), "--cores", cores, *targets, "--rerun-triggers", "mtime"]
    if subprocess.run(command, check=False).returncode != 0:
        raise StudyError(f"The tables could not be computed: see the messages above and {folder}/logs.")


def compare(found: Path, expected: Mapping[str, str], published: Path | None) -> Iterator[Comparison]:
    """Each table that was computed again, beside its published checksum and, if they differ, its published values."""
    for table, digest in expected.items():
        if digest_of_file(found / table) == digest:
            yield Comparison(table)
        elif published is None or not (published / table).is_file():
            yield Comparison(table, "other bytes; name the folder of the published tables to compare values", True)
        else:
            yield _by_value(table, found, published)


def _by_value(table: str, found: Path, published: Path) -> Comparison:
    if table.endswith(".npy"):
        ours, theirs = (pl.DataFrame({"value": load_array(folder / table).ravel()}) for folder in (found, published))
    else:
        ours, theirs = (load_table(folder / table) for folder in (found, published))
    if ours.schema != theirs.schema or ours.height != theirs.height:
        return Comparison(table, f"{ours.height} rows and {theirs.height} published ones, or other columns", True)
    numbers = [name for name, dtype in ours.schema.items() if dtype.is_float()]
    if not ours.drop(numbers).equals(theirs.drop(numbers)):
        return Comparison(table, "other values in columns without fractions", True)
    largest = max((_largest_difference(ours[name], theirs[name]) for name in numbers), default=0.0)
    return Comparison(table, f"values differ by {largest:.1e} at most", not largest <= TOLERANCE)


def _largest_difference(ours: pl.Series, theirs: pl.Series) -> float:
    """Largest difference, relative for values above 1; infinite where one has a number and the other none."""
    a, b = ours.to_numpy().astype(float), theirs.to_numpy().astype(float)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    distance = np.abs(a - b)[~same] / np.maximum(1, np.abs(b[~same]))
    return float(np.nan_to_num(distance, nan=np.inf).max(initial=0.0))


def verify(study: Path, archive: Path, published: Path | None, cores: str) -> list[Comparison]:
    """Unpack, compute and compare. Raises StudyError if one of the files is wrong, or if the workflow fails."""
    resolved = resolve(read_study(study))
    with tempfile.TemporaryDirectory() as scratch:
        found = unpack(archive, Path(scratch), resolved)
        tables: dict[str, str] = load_json(found / "provenance.json")["tables"]
        computed = {name: digest for name, digest in tables.items() if not (found / name).exists()}
        targets = [f"results/{resolved['name']}/{name}" for name in computed]
        compute(study, Path(scratch), targets, cores)
        return list(compare(found, computed, published))


def main() -> int:
    """Verify a published study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--published", type=Path, help="the folder of the published tables")
    parser.add_argument("--cores", default="all")
    arguments = parser.parse_args()
    try:
        comparisons = verify(arguments.study, arguments.archive, arguments.published, arguments.cores)
    except StudyError as error:
        print(f"Error: {error}")
        return 1
    for comparison in comparisons:
        if comparison.difference:
            print(f"{comparison.table}: {comparison.difference}")
    same = sum(not comparison.difference for comparison in comparisons)
    different = sum(comparison.differs for comparison in comparisons)
    print(f"{same} of {len(comparisons)} tables are the same byte for byte; {different} differ by more than rounding.")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
