"""What a repository can show of a finished study, and whether all of it is there as the study made it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.jobs.errors import StudyError, listing
from scripts.lib.jobs.provenance import study_hash
from scripts.lib.jobs.storage import digest_of_file, load_json
from scripts.lib.report.files import CSV_OF_DATASET, CSV_OF_STUDY
from scripts.lib.study.resolve import resolve

PAGE = ("report.html", "study.json", "provenance.json")
# The report links the files of every figure that it shows. A folder may also have figures of earlier settings.
LINK = re.compile(rb'href="(figures/[^"]+\.png)"')
# Snakemake makes a missing file again only if something is missing that is made from it.
REMEDY = "report.html and provenance.json there and run the study again"


@dataclass(frozen=True)
class Finished:
    """The results of a finished study: their folder, and its tables as text and figures (paths relative to it)."""

    folder: Path
    csv: Sequence[str]
    figures: Sequence[str]

    def files(self, figures: Sequence[str] | None) -> list[str]:
        """What is published, with the figures of these names without suffix (None: with all).

        Raises StudyError for a figure that the study does not have.
        """
        drawn = {path.removeprefix("figures/").removesuffix(".png"): path for path in self.figures}
        if unknown := [name for name in figures or [] if name not in drawn]:
            raise StudyError(f"FIGURES: {self.folder} has no figure {listing(unknown)}; it has {', '.join(drawn)}.")
        return [*PAGE, *self.csv, *(drawn[name] for name in (drawn if figures is None else figures))]


def finished(results: Path, study: Mapping[str, Any]) -> Finished:
    """The results of a resolved study in the folder `results`.

    Raises StudyError if the study did not run to its end or was made with other settings, or if a table, a table as
    text or a figure is missing, or a table is not the one whose checksum provenance.json has.
    """
    if absent := [name for name in PAGE if not (results / name).is_file()]:
        raise StudyError(f"{results} has no {' and no '.join(absent)}: run the study to its end first.")
    tables = _tables(results, study)
    pictures = LINK.findall((results / "report.html").read_bytes())
    found = Finished(results, _as_text(tables), sorted({picture.decode() for picture in pictures}))
    needed = [*tables, *found.csv, *found.figures]
    if missing := [name for name in needed if not (results / name).is_file()]:
        raise StudyError(f"{results} has no {listing(missing)}, which the finished study had: delete {REMEDY}.")
    if changed := [name for name, digest in tables.items() if digest_of_file(results / name) != digest]:
        raise StudyError(
            f"{results}: the checksum of {listing(changed)} is not the one in provenance.json. Delete "
            f"{listing(changed)}, {REMEDY}."
        )
    return found


def _tables(results: Path, study: Mapping[str, Any]) -> dict[str, str]:
    """The checksums of the tables by name. Raises StudyError if they were made with other settings than the study's."""
    known, made_with = load_json(results / "provenance.json"), load_json(results / "study.json")
    if not isinstance(known, dict) or not isinstance(known.get("tables"), dict):
        raise StudyError(f"{results}/provenance.json lists no tables: delete it and run the study again.")
    if known.get("study_hash") != study_hash(made_with) or not same_settings(made_with, study):
        raise StudyError(f"{results} was made with other settings than those of the study file: run the study again.")
    return known["tables"]


def same_settings(made_with: Any, study: Mapping[str, Any]) -> bool:
    """Whether the settings of results are those of a resolved study.

    They are, too, if the study has keys that the version did not have with which the results were made.
    """
    try:
        return study_hash(made_with) == study_hash(study) or resolve(made_with) == study
    except StudyError:
        return False


def _as_text(tables: Mapping[str, str]) -> list[str]:
    """The tables as text that a study with these tables has."""
    names = {"members", *(name.removesuffix(".parquet") for name in tables)}
    shown = [name for name in names if name in CSV_OF_STUDY or name.split("/")[0] in CSV_OF_DATASET]
    return [str(path) for path in sorted(Path("csv", f"{name}.csv") for name in shown)]
