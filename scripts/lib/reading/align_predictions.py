"""Users' files of predictions: read, checked, and converted into logits in the order of a validation set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError, listing
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.storage import digest_of_file, digest_of_lines, load_json, load_lines, save_array, save_json
from scripts.lib.reading.class_columns import IN_THEIR_ORDER, Outputs, numbers_in, order_of, stated_classes
from scripts.lib.reading.doubts import copies, samples_and_rows
from scripts.lib.reading.probabilities import Reading, require_only_classes, to_logits
from scripts.lib.reading.read_predictions import Scores, read_scores
from scripts.lib.reading.user_tables import read_lines

MOST_ERRORS = 10
ANOTHER_ORDER = "ids in another order: realigned by id"
LEFT_OUT = "samples that the validation set does not have are left out"
WITHOUT_IDS = "without sample ids: rows are taken in the order of the validation set"


def aligned(
    scores: Scores, samples: Sequence[str], ids: Sequence[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    """Values in the order of the validation set's `samples`, and remarks on what was changed.

    `ids` are the rows' ids if the file itself has none. Raises StudyError for duplicate, missing or too few ids.
    """
    rows = scores.samples if scores.samples is not None else ids
    if rows is None:
        if len(scores.values) != len(samples):
            raise StudyError(
                f"{where} has {len(scores.values)} rows for the {len(samples)} samples of the validation set, and no "
                "ids that say which samples these are (column `sample`)."
            )
        return np.asarray(scores.values), [WITHOUT_IDS]
    if len(rows) != len(scores.values):
        raise StudyError(f"{where} has {len(scores.values)} rows, but there are {len(rows)} ids for them.")
    place = {sample: row for row, sample in enumerate(rows)}
    if len(place) < len(rows):
        double = next(sample for row, sample in enumerate(rows) if place[sample] != row)
        raise StudyError(f"{where} has {len(rows) - len(place)} duplicate sample ids; the first is {double!r}.")
    if not rows:
        raise StudyError(f"{where} has no rows.")
    if missing := [sample for sample in samples if sample not in place]:
        raise StudyError(
            f"{where} has no rows for {len(missing)} of the {len(samples)} samples of the validation set; the first is "
            f"{missing[0]!r} (the file's first id is {rows[0]!r})."
        )
    order = np.array([place[sample] for sample in samples])
    remarks = []
    if (np.diff(order) < 0).any():
        remarks.append(ANOTHER_ORDER)
    if len(rows) > len(samples):
        remarks.append(f"{len(rows) - len(samples)} {LEFT_OUT}")
    return np.asarray(scores.values)[order], remarks


def logits_of_file(
    path: str,
    member: dict[str, Any],
    dataset: str,
    samples: Sequence[str],
    classes: Sequence[str],
    ids: Sequence[str] | None,
    guesses: "Guesses | None" = None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] in the study's order of samples and classes, and what to record about the file.

    `ids` are the rows' ids if the file itself has none; `guesses` holds what was assumed about earlier files. Raises
    StudyError, naming member, dataset and file, if the file does not fit.
    """
    where = f"members/{member['id']} ({path}, validation set {dataset})"
    scores, reading = read_scores(path), Reading(where, member["values"], stated_classes(member["classes"]), ids)
    logits, details = logits_of_scores(scores, reading, samples, classes, guesses)
    return logits, {"file": str(path), "digest": digest_of_file(path), **details}


def logits_of_scores(
    scores: Scores, reading: Reading, samples: Sequence[str], classes: Sequence[str], guesses: "Guesses | None" = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """As `logits_of_file`, of the content of a file; the keys `rows`, `values` and `remarks` say how it was read."""
    where = reading.where
    values, remarks = aligned(scores, samples, reading.ids, where)
    outputs = Outputs(values.shape[1], scores.classes, reading.classes)
    if guesses:
        guesses.require_names(where, outputs)
    order, said = order_of(outputs, classes, where)
    # Outputs for classes that are not in the study are left out only after the check that each row sums to 1.
    require_only_classes(values, order, outputs, reading)
    logits, kind = to_logits(values, reading.values, samples, where, reading.remedy)
    if guesses:
        guesses.require_agreement(where, scores.classes, [*remarks, *said])
    return np.ascontiguousarray(logits[:, order]), {
        "rows": len(scores.values),
        "values": kind,
        "remarks": [*scores.remarks, *remarks, *said],
    }


def import_predictions(
    members: Sequence[dict[str, Any]],
    files: Sequence[str],
    dataset: str,
    samples: str,
    classes: str,
    folder: Path,
    listing: str,
    record: str | None = None,
) -> None:
    """Write {member}.npy and .json for all members with users' files into `folder`, and last the list of them.

    `record` is the record of the validation set; without it, the order of `classes` is that of the label numbers.
    Raises one StudyError for all files that do not fit (it lists at most ten); the others are written.
    """
    ids, names = load_lines(samples), load_json(classes)
    ordered = record is None or load_json(record).get("classes_ordered", True)
    guesses = Guesses(ids, ordered)
    listed, errors = [], []
    for member, path in zip(progress(members, f"read predictions on {dataset}", "file"), files, strict=True):
        try:
            rows = ids_of(member, dataset)
            logits, details = logits_of_file(path, member, dataset, ids, all_names(names), rows, guesses)
        except StudyError as error:
            errors.append(str(error))
            continue
        listed.append(save_predictions(folder / f"{member['id']}.npy", member["id"], dataset, ids, logits, details))
    if errors:
        more = [f"and {len(errors) - MOST_ERRORS} more files"] if len(errors) > MOST_ERRORS else []
        raise StudyError("\n  - ".join(["files of predictions that cannot be used:", *errors[:MOST_ERRORS], *more]))
    _say(listed)
    save_json(listing, listed)


class Guesses:
    """Assumptions about files that do not state their order, which another file of the same set can contradict.

    If the labels have no ids, `samples` are row numbers; a file may have such numbers as ids that mean something else.
    `ordered` says whether the order of the classes is that of the label numbers, or only that of the first file's
    columns.
    """

    def __init__(self, samples: Sequence[str], ordered: bool = True) -> None:
        self.ordered = ordered
        self.numbered = all(sample == str(row) for row, sample in enumerate(samples))
        self.without_ids: str | None = None
        self.columns: dict[frozenset[str], tuple[str, list[str]]] = {}

    def require_names(self, where: str, outputs: Outputs) -> None:
        """Raise StudyError for outputs without names if only another file's columns define the order of classes."""
        if self.ordered or outputs.stated or (outputs.columns and numbers_in(outputs.columns) is None):
            return
        kind = "numbered columns" if outputs.columns else "no names of columns"
        raise StudyError(
            f"{where} has {kind}, but the labels are names of classes: which number is which class is not known. List "
            "the classes in the order of the numbers in `class_names` under datasets, or in `classes` of the member."
        )

    def require_agreement(self, where: str, columns: list[str] | None, remarks: Sequence[str]) -> None:
        """Raise StudyError for a file that contradicts an earlier one; `remarks` describe how it was read."""
        if WITHOUT_IDS in remarks:
            self.without_ids = self.without_ids or where
        by_id = any(remark.endswith((ANOTHER_ORDER, LEFT_OUT)) for remark in remarks)
        if by_id and self.numbered and self.without_ids:
            raise StudyError(
                f"{where} has numbers as ids that are not those of its rows, but {self.without_ids} has no ids: these "
                "numbers may not be the rows of the labels. Give all files ids, including the labels, or none."
            )
        if IN_THEIR_ORDER in remarks and columns is not None:
            first, order = self.columns.setdefault(frozenset(columns), (where, columns))
            if order != columns:
                raise StudyError(
                    f"{where} has its columns in another order than {first}, and the study has no names of classes: "
                    "list them in the order of the labels in `class_names` under datasets."
                )


def ids_of(member: dict[str, Any], dataset: str) -> list[str] | None:
    """The ids of a member's rows, if they are in a separate file; otherwise None."""
    return read_lines(Path(of_dataset(member["samples"], dataset)).expanduser()) if member["samples"] else None


def all_names(classes: Sequence[str | None]) -> list[str]:
    """Names of the classes; a class that is not scored on a set gets its number as a name."""
    return [str(number) if name is None else name for number, name in enumerate(classes)]


def of_dataset(path: str, dataset: str) -> str:
    """A path of the study with `{dataset}` replaced by the id of the validation set."""
    return path.replace("{dataset}", dataset)


def save_predictions(
    path: Path, member: str, dataset: str, samples: Sequence[str], logits: np.ndarray, details: dict[str, Any]
) -> dict[str, Any]:
    """Write the array `path` and its record, with the suffix `.json`, as `infer` does; returns the record."""
    record = {
        "member": member,
        "dataset": dataset,
        "samples": digest_of_lines(samples),
        "sample_count": len(samples),
        "classes": logits.shape[1],
        **details,
    }
    save_array(path, logits)
    record["checksums"] = checksums(predictions=path)
    save_json(path.with_suffix(".json"), record)
    return record


def _say(records: Sequence[dict[str, Any]]) -> None:
    """Log how many files hold logits or probabilities, and how many files each remark applies to."""
    said: dict[str, int] = {}
    for record in records:
        for remark in (f"read as {record['values']}", *record["remarks"]):
            said[remark] = said.get(remark, 0) + 1
    for remark, count in said.items():
        log.info("%d of %d files: %s", count, len(records), remark)
    for members in copies(records):
        log.warning("Warning: the same predictions in the files of %s", listing(members))
    if few := samples_and_rows(records):
        log.warning("Warning: only %d of the %d samples in these files have labels: are labels missing?", *few)
