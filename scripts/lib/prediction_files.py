"""Files of predictions that a user has: read, checked, and turned into logits in the order of a validation set."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.errors import StudyError
from scripts.lib.job import log, progress
from scripts.lib.storage import checksums, digest_of_file, digest_of_lines, load_json, load_lines, save_array, save_json

# Names that an array of scores may have in an .npz file; a file with a single array may call it anything.
SCORES = ("predictions", "logits", "probabilities")
IDS = ("sample", "id")
IDS_OF_ARRAYS = (*IDS, "samples", "ids")
NO_CLASSES = (*IDS, "label")  # columns that are no class
# Rows of probabilities are written with few digits.
ROUNDING = 2e-3
LEAST_PROBABILITY = 1e-30
NUMBERED = re.compile(r"(class|logit|probability|prob|score|column|p|c)?[_ -]?\d+")
MOST_ERRORS = 10


@dataclass(frozen=True)
class Scores:
    """What a file holds: values float [N, C], ids of the rows and names of the columns, each None where it has none."""

    values: np.ndarray
    samples: list[str] | None = None
    classes: list[str] | None = None


def read_scores(path: str | Path) -> Scores:
    """Read `.npy`, `.npz`, `.csv` or `.parquet`. Nothing is unpickled. Raises StudyError for what cannot be read."""
    path = Path(path)
    readers = {".npy": _read_array, ".npz": _read_arrays, ".csv": _read_table, ".parquet": _read_table}
    if path.suffix not in readers:
        raise StudyError(f"{path}: predictions are read from {', '.join(readers)}, not from {path.suffix!r}.")
    try:
        scores = readers[path.suffix](path)
    except FileNotFoundError:
        raise StudyError(f"{path} does not exist.") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise StudyError(f"{path} cannot be read: {reason}{_pickled(error)}") from None
    if scores.values.ndim != 2 or scores.values.dtype.kind not in "fiu":
        shape = list(scores.values.shape)
        raise StudyError(f"{path} holds {scores.values.dtype} {shape}; wanted are numbers [samples, classes].")
    for what, names, count in (("ids", scores.samples, 0), ("class names", scores.classes, 1)):
        if names is not None and len(names) != scores.values.shape[count]:
            raise StudyError(f"{path} has {len(names)} {what} for values of shape {list(scores.values.shape)}.")
    return scores


def _pickled(error: Exception) -> str:
    return (
        ". Files with Python objects (pickles) are not loaded."
        if "Python objects" in str(error) or "allow_pickle" in str(error)
        else "."
    )


def _read_array(path: Path) -> Scores:
    return Scores(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_arrays(path: Path) -> Scores:
    with np.load(path, allow_pickle=False) as file:
        names = [name for name in file.files if name in SCORES] or [name for name in file.files if file[name].ndim == 2]
        if len(names) != 1:
            raise ValueError(f"one array of {', '.join(SCORES)} is wanted, but it has {', '.join(file.files)}")
        samples, classes = (_names_in(file, keys) for keys in (IDS_OF_ARRAYS, ("classes",)))
        return Scores(file[names[0]], samples, classes)


def _names_in(file: Any, keys: Sequence[str]) -> list[str] | None:
    """The first of these arrays that the file has, as text."""
    return next(([str(name) for name in file[key]] for key in keys if key in file), None)


def _read_table(path: Path) -> Scores:
    if path.suffix == ".csv":
        columns = pl.read_csv(path, n_rows=0).columns
        texts = {name: pl.String for name in NO_CLASSES if name in columns}
        table = pl.read_csv(path, schema_overrides=texts | dict.fromkeys(set(columns) - set(NO_CLASSES), pl.Float64))
    else:
        table = pl.read_parquet(path)
    ids = next((table[name].cast(pl.String) for name in IDS if name in table.columns), None)
    if ids is not None and ids.null_count():
        raise ValueError(f"row {int(ids.is_null().arg_max() or 0) + 1} has no sample id")
    scores = table.drop(*NO_CLASSES, strict=False)
    if wrong := [name for name, kind in scores.schema.items() if not kind.is_numeric()]:
        raise ValueError(f"the column {wrong[0]!r} holds no numbers")
    values = scores.cast(pl.Float64).fill_null(float("nan")).to_numpy() if scores.width else np.empty((len(table), 0))
    return Scores(values, None if ids is None else ids.to_list(), scores.columns)


def aligned(
    scores: Scores, samples: Sequence[str], ids: Sequence[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    """Values in the order of the validation set's `samples`, and remarks on what was done for it.

    `ids` are the rows' ids where the file itself has none. Raises StudyError for double, missing or too few ids.
    """
    rows = scores.samples if scores.samples is not None else ids
    if rows is None:
        if len(scores.values) != len(samples):
            raise StudyError(
                f"{where} has {len(scores.values)} rows for the {len(samples)} samples of the validation set, and no "
                "ids that would say which these are (column `sample`)."
            )
        return np.asarray(scores.values), ["without sample ids: rows are taken in the order of the validation set"]
    if len(rows) != len(scores.values):
        raise StudyError(f"{where} has {len(scores.values)} rows, but there are {len(rows)} ids for them.")
    place = {sample: row for row, sample in enumerate(rows)}
    if len(place) < len(rows):
        double = next(sample for row, sample in enumerate(rows) if place[sample] != row)
        raise StudyError(f"{where} has {len(rows) - len(place)} double sample ids; the first is {double!r}.")
    if missing := [sample for sample in samples if sample not in place]:
        raise StudyError(
            f"{where} lacks {len(missing)} of the {len(samples)} samples of the validation set; the first is "
            f"{missing[0]!r} (the file's first id is {rows[0]!r})."
        )
    order = np.array([place[sample] for sample in samples])
    remarks = []
    if (np.diff(order) < 0).any():
        remarks.append("ids in another order: realigned by id")
    if len(rows) > len(samples):
        remarks.append(f"{len(rows) - len(samples)} samples that the validation set does not have are left out")
    return np.asarray(scores.values)[order], remarks


def class_order(names: Sequence[str] | None, study: Sequence[str], outputs: int, where: str) -> tuple[list[int], str]:
    """For each class of the study its position among a model's outputs, and a remark where that is not plain order.

    `names` are the model's classes, None where it does not say. Raises StudyError where classes are lacking.
    """
    if names is None:
        if outputs != len(study):
            raise StudyError(f"{where} has {outputs} classes, the study has {len(study)}.")
        return list(range(outputs)), ""
    if len(names) != outputs:
        raise StudyError(f"{where} has {outputs} classes, but {len(names)} names of classes are given.")
    if len(set(names)) < len(names):
        raise StudyError(f"{where} has two classes of the same name.")
    lacking = sorted(set(study) - set(names))
    if lacking:
        raise StudyError(
            f"{where} has other classes than the study: it lacks {', '.join(lacking[:5])}, and has "
            f"{', '.join(sorted(set(names) - set(study))[:5]) or 'none'} instead."
        )
    order = [list(names).index(name) for name in study]
    if len(names) > len(study):
        return order, f"{len(names) - len(study)} classes that the study does not have are left out"
    return order, "" if order == list(range(outputs)) else "classes in another order: realigned by name"


def stated_classes(classes: Sequence[str] | str | None) -> list[str] | None:
    """A model's class names from the study: a list, or a file with a JSON list or a name a line."""
    if not isinstance(classes, str):
        return None if classes is None else list(classes)
    path = Path(classes).expanduser()
    found = load_json(path) if path.suffix == ".json" else load_lines(path)
    if not isinstance(found, list):
        raise StudyError(f"{path} is no list of class names.")
    return [str(name) for name in found]


def to_logits(values: np.ndarray, kind: str, samples: Sequence[str], where: str) -> tuple[np.ndarray, str]:
    """Logits float32 [N, C] and what the values were: "logits" or "probabilities".

    `kind` may be "auto": probabilities are between 0 and 1 and sum to 1 in each row, logits are not all between 0 and
    1. Raises StudyError, naming the first sample, for what is not finite or does not sum to 1.
    """
    values = np.asarray(values, np.float64)
    _refuse(~np.isfinite(values).all(1), samples, where, "numbers that are NaN, infinite or missing")
    in_range = ((values >= 0) & (values <= 1 + ROUNDING)).all()
    off = np.abs(values.sum(1) - 1) > ROUNDING
    if kind == "auto" and not in_range:
        kind = "logits"
    if kind == "logits":
        with np.errstate(over="ignore"):  # refused below
            logits = values.astype(np.float32)
        _refuse(~np.isfinite(logits).all(1), samples, where, "logits beyond the range of float32")
        return logits, kind
    if not in_range:
        _refuse(
            ((values < 0) | (values > 1 + ROUNDING)).any(1),
            samples,
            where,
            "probabilities that are not between 0 and 1",
        )
    hint = "" if kind == "probabilities" else " (`values: logits` takes them for logits)"
    _refuse(off, samples, where, f"probabilities that do not sum to 1{hint}", values.sum(1))
    return np.log(np.maximum(values, LEAST_PROBABILITY)).astype(np.float32), "probabilities"


def _refuse(bad: Any, samples: Sequence[str], where: str, what: str, totals: np.ndarray | None = None) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        total = "" if totals is None else f", whose sum is {totals[rows[0]]:.4g}"
        first = f"the first is {samples[rows[0]]}{total}"
        raise StudyError(f"{where} has {what} for {len(rows)} of {len(bad)} samples; {first}.")


def logits_of_file(
    path: str,
    member: dict[str, Any],
    dataset: str,
    samples: Sequence[str],
    classes: Sequence[str],
    ids: Sequence[str] | None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] in the study's order of samples and classes, and what to record of the file.

    Raises StudyError naming member, dataset and file for what does not fit.
    """
    where = f"members/{member['id']} ({path}, validation set {dataset})"
    scores = read_scores(path)
    values, remarks = aligned(scores, samples, ids, where)
    names = stated_classes(member["classes"]) or _names_to_compare(scores.classes, classes)
    order, remark = class_order(names, classes, values.shape[1], where)
    # Outputs of classes that the study lacks are left out after the check that each row is a whole distribution.
    logits, kind = to_logits(values, member["values"], samples, where)
    return np.ascontiguousarray(logits[:, order]), {
        "file": str(path),
        "digest": digest_of_file(path),
        "values": kind,
        "remarks": [*remarks, *([remark] if remark else [])],
    }


def _names_to_compare(found: list[str] | None, study: Sequence[str]) -> list[str] | None:
    """Names can be compared where both have them; a study without class names, and many a table, has numbers."""
    if found is None or set(found) == set(study):
        return found
    numbered = are_numbered(found) or all(name == str(number) for number, name in enumerate(study))
    return None if numbered else found


def are_numbered(names: Sequence[str]) -> bool:
    """Whether these are numbers, such as `0` or `class_3`, rather than names of classes."""
    return all(NUMBERED.fullmatch(name.strip().lower()) for name in names)


def import_predictions(
    members: Sequence[dict[str, Any]], files: Sequence[str], dataset: str, samples: str, classes: str, output: str
) -> None:
    """Write predictions/{dataset}/{member}.npy and .json for all members on file, and last the list of them, `output`.

    Raises StudyError about all files that do not fit (ten at most); the others are written.
    """
    ids, names = load_lines(samples), load_json(classes)
    folder = Path(output).parents[1] / "predictions" / dataset
    listed, errors = [], []
    for member, path in zip(progress(members, f"read predictions on {dataset}", "file"), files, strict=True):
        try:
            rows = load_lines(Path(of_dataset(member["samples"], dataset)).expanduser()) if member["samples"] else None
            logits, details = logits_of_file(path, member, dataset, ids, all_names(names), rows)
        except StudyError as error:
            errors.append(str(error))
            continue
        listed.append(save_predictions(folder, member["id"], dataset, ids, logits, details))
    if errors:
        more = [f"and {len(errors) - MOST_ERRORS} more files"] if len(errors) > MOST_ERRORS else []
        raise StudyError("\n  - ".join(["files of predictions that cannot be used:", *errors[:MOST_ERRORS], *more]))
    _say(listed)
    save_json(output, listed)


def all_names(classes: Sequence[str | None]) -> list[str]:
    """Names of the classes, numbered where a set does not score them."""
    return [str(number) if name is None else name for number, name in enumerate(classes)]


def of_dataset(path: str, dataset: str) -> str:
    """A path of the study with the validation set's id where it has `{dataset}`."""
    return path.replace("{dataset}", dataset)


def save_predictions(
    folder: Path, member: str, dataset: str, samples: Sequence[str], logits: np.ndarray, details: dict[str, Any]
) -> dict[str, Any]:
    """Write `{member}.npy` and `.json` as `infer` does; returns the record."""
    record = {
        "member": member,
        "dataset": dataset,
        "samples": digest_of_lines(samples),
        "sample_count": len(samples),
        "classes": logits.shape[1],
        **details,
    }
    save_array(folder / f"{member}.npy", logits)
    record["checksums"] = checksums(predictions=folder / f"{member}.npy")
    save_json(folder / f"{member}.json", record)
    return record


def _say(records: Sequence[dict[str, Any]]) -> None:
    """How many files hold what, and each remark once."""
    said: dict[str, int] = {}
    for record in records:
        for remark in (f"read as {record['values']}", *record["remarks"]):
            said[remark] = said.get(remark, 0) + 1
    for remark, count in said.items():
        log.info("%d of %d files: %s", count, len(records), remark)
