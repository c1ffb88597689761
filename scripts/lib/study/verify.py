"""Compute the tables of a study again from its archived predictions, and compare them with those that were published.

`python -m scripts.lib.study.verify STUDY ARCHIVE [--published FOLDER]`

STUDY is the study file, ARCHIVE what `make archive-predictions` packed. Tables are compared with the checksums in the
archive or, if the folder of the published tables is named, with these: first their bytes, then their values.
Attributions and activations are not in the archive, so the tables that only they decide are taken from it and not
computed again.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError, listing
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.provenance import ENVIRONMENT, study_hash
from scripts.lib.jobs.storage import digest_of_file, load_array, load_json, load_table
from scripts.lib.jobs.user_paths import location
from scripts.lib.measures.spec import MEASURES
from scripts.lib.study.file import read_study
from scripts.lib.study.finished import same_settings
from scripts.lib.study.resolve import resolve
from scripts.lib.study.user_files import named_files

# What an archive may hold beside the tables of measures that predictions do not decide.
FILES = {"study.json", "provenance.json", "members.parquet", "SHA256SUMS", *ENVIRONMENT}
FOLDERS = ("labels/", "samples/", "classes/", "predictions/", "groups/")
# Numbers of two machines may differ by rounding: of sums in another order, for example.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Comparison:
    """A table, how it differs from the published one (empty if it does not), and whether that is more than rounding.

    A table that was not published is missing, and does not count as one that differs.
    """

    table: str
    difference: str = ""
    differs: bool = False
    missing: bool = False


def unpack(archive: Path, folder: Path, study: Mapping[str, Any]) -> Path:
    """Unpack an archive of predictions into `folder`/results; return the study's folder there.

    Raises StudyError if the file is not such an archive, is damaged, holds what it should not, or is of another study.
    """
    if not hasattr(tarfile, "data_filter"):
        raise StudyError("Archives are unpacked with Python 3.11.4 or newer, which refuses paths that lead outside.")
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(folder / "results", filter="data")
    except (OSError, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise StudyError(f"ARCHIVE: {archive} cannot be unpacked ({reason}).") from None
    found = folder / "results" / study["name"]
    if not (found / "SHA256SUMS").is_file() or not (found / "provenance.json").is_file():
        raise StudyError(f"ARCHIVE: {archive} has no predictions of a study named {study['name']}.")
    _check_files(archive, found)
    known = load_json(found / "provenance.json")
    if not isinstance(known, dict) or not isinstance(known.get("tables"), dict):
        raise StudyError(f"ARCHIVE: provenance.json in {archive} lists no tables.")
    made_with = load_json(found / "study.json")
    if study_hash(made_with) != known.get("study_hash"):
        raise StudyError(f"ARCHIVE: study.json in {archive} is not the study that its provenance.json names.")
    if not same_settings(made_with, study):
        raise StudyError(f"STUDY: the settings are not those with which {archive} was made (see study.json in it).")
    now = time.time()
    for path in found.rglob("*"):
        os.utime(path, (now, now))  # equally old and newer than the user's files, so that nothing of it is made again
    return found


def _check_files(archive: Path, found: Path) -> None:
    """Raises StudyError for a file that is damaged or missing, or that an archive of predictions does not have."""
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in _lines(found / "SHA256SUMS"))}
    files = {path.relative_to(found).as_posix(): path for path in found.rglob("*") if path.is_file()}
    files.pop("SHA256SUMS")
    wrong = [
        name for name in {**listed, **files} if name not in files or digest_of_file(files[name]) != listed.get(name)
    ]
    if wrong:
        raise StudyError(f"ARCHIVE: {listing(sorted(wrong))} in {archive} is damaged, missing or not listed.")
    if more := [name for name in files if not (name in FILES or name.startswith(FOLDERS) or _taken(name))]:
        raise StudyError(
            f"ARCHIVE: {archive} is not an archive of predictions: it has {listing(sorted(more), 3)}, which must "
            "be computed. Name STUDY.predictions.tar.gz, which `make archive-predictions` makes."
        )


def _lines(path: Path) -> list[str]:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    return [line for line in lines if "  " in line]


def to_compute(tables: Mapping[str, str]) -> dict[str, str]:
    """The tables that are computed again: all but those of measures that predictions do not decide.

    Raises StudyError if there is none.
    """
    computed = {name: digest for name, digest in tables.items() if not _taken(name)}
    if not computed:
        raise StudyError("ARCHIVE: its provenance.json names no table that could be computed.")
    return computed


def _taken(table: str) -> bool:
    folder, measure = table.split("/")[0], Path(table).stem
    return folder in ("pairwise", "image_groups") and measure in MEASURES and MEASURES[measure].needs != "predictions"


def compute(study: Path, folder: Path, targets: list[str], cores: str) -> None:
    """Run the workflow from what was unpacked to the tables. Raises StudyError if it fails."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(study.resolve()), "--cores", cores, *targets, "--rerun-triggers", "mtime"]
    if subprocess.run(command, check=False).returncode != 0:
        raise StudyError(f"The tables could not be computed: see the messages above and {folder}/logs.")


def compare(found: Path, expected: Mapping[str, str], published: Path | None) -> Iterator[Comparison]:
    """Each table, computed again or taken, beside the published one, or if none is its checksum in the archive."""
    for table, digest in expected.items():
        if published is not None and not (published / table).is_file():
            yield Comparison(table, f"is not in {published}", missing=True)
        elif digest_of_file(found / table) == (digest_of_file(published / table) if published else digest):
            yield Comparison(table)
        elif published is None:
            yield Comparison(table, "other bytes; name the folder of the published tables to compare values", True)
        else:
            yield _by_value(table, found, published)


def _by_value(table: str, found: Path, published: Path) -> Comparison:
    try:
        return _compared(table, found, published)
    except StudyError:
        return Comparison(table, f"{published / table} is damaged", True)


def _compared(table: str, found: Path, published: Path) -> Comparison:
    if table.endswith(".npy"):
        arrays = [load_array(folder / table) for folder in (found, published)]
        if arrays[0].shape != arrays[1].shape:
            return Comparison(table, f"shape {arrays[0].shape} instead of {arrays[1].shape}", True)
        ours, theirs = (pl.DataFrame({"value": array.ravel()}) for array in arrays)
    else:
        ours, theirs = (load_table(folder / table) for folder in (found, published))
    if ours.schema != theirs.schema or ours.height != theirs.height:
        return Comparison(table, f"{ours.height} rows and {theirs.height} published ones, or other columns", True)
    lists = [name for name, dtype in ours.schema.items() if dtype == pl.List(pl.Float64)]
    numbers = [name for name, dtype in ours.schema.items() if dtype.is_float()]
    same = [frame.drop(numbers).with_columns(pl.col(lists).list.len()) for frame in (ours, theirs)]
    if not same[0].equals(same[1]):
        return Comparison(table, "other values in columns without fractions", True)
    pairs = [(ours[name], theirs[name]) for name in numbers]
    pairs += [(ours[name].explode(), theirs[name].explode()) for name in lists]
    largest = max((_largest_difference(*pair) for pair in pairs), default=0.0)
    return Comparison(table, f"values differ by {largest:.1e} at most", not largest <= TOLERANCE)


def _largest_difference(ours: pl.Series, theirs: pl.Series) -> float:
    """Largest difference, relative for values above 1; infinite where one has a number and the other none."""
    a, b = ours.to_numpy().astype(float), theirs.to_numpy().astype(float)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    distance = np.abs(a - b)[~same] / np.maximum(1, np.abs(b[~same]))
    return float(np.nan_to_num(distance, nan=np.inf).max(initial=0.0))


def verify(study: Path, archive: Path, published: Path | None, cores: str) -> list[Comparison]:
    """Unpack, compute and compare, in a temporary folder that is kept if the workflow fails there.

    Raises StudyError if one of the files is wrong, or if the workflow fails.
    """
    content = read_study(study)
    _refuse_relative(_patterns(content))
    resolved = resolve(content)
    _refuse_relative(named_files(resolved))
    if published is not None and not published.is_dir():
        raise StudyError(f"PUBLISHED: {published} is not a folder.")
    folder = Path(tempfile.mkdtemp(prefix="verify-"))
    computing = False
    try:
        found = unpack(archive, folder, resolved)
        tables = load_json(found / "provenance.json")["tables"]
        if published is not None and not any((published / name).is_file() for name in tables):
            raise StudyError(
                f"PUBLISHED: {published} has none of the tables ({listing(tables, 2)}): name the folder that was "
                "unpacked from STUDY.tar.gz. `make publish-study` copies tables as text, which cannot be compared."
            )
        targets = [f"results/{resolved['name']}/{name}" for name in to_compute(tables)]
        computing = True
        compute(study, folder, targets, cores)
        computing = False
        return list(compare(found, tables, published))
    finally:
        if not computing:
            shutil.rmtree(folder)


def _patterns(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and value of every `from` in a study file that has not been checked."""
    members = content.get("members")
    entries = [members] if isinstance(members, dict) else members if isinstance(members, list) else []
    for place, entry in enumerate(entries):
        if isinstance(entry, dict) and isinstance(entry.get("from"), str):
            yield f"members/{place}/from", location(entry["from"])


def _refuse_relative(named: Iterable[tuple[str, str]]) -> None:
    """Raise StudyError for a relative path, which leads nowhere from the temporary folder."""
    for key, path in named:
        if not Path(path).is_absolute():
            raise StudyError(
                f"{key}: {path} is a relative path, and the tables are computed in a temporary folder. To be verified, "
                "a study must name its files by absolute paths from its first run on."
            )


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
    missing = sum(comparison.missing for comparison in comparisons)
    absent = f"; {missing} are not in PUBLISHED" if missing else ""
    print(
        f"{same} of {len(comparisons)} tables are the same byte for byte; {different} differ by more than rounding"
        f"{absent}."
    )
    print("Pairwise tables of attributions and activations were taken from the archive and not computed again.")
    return int(different + missing > 0)


if __name__ == "__main__":
    sys.exit(main())
