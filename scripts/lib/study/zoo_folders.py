"""Looks for validation sets in a folder of files of predictions: one folder per set, and a file of labels for each."""

import glob
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.jobs.errors import StudyError, listing, printable
from scripts.lib.jobs.user_paths import DATASET
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.study.members_from_files import kinds_of_suffixes
from scripts.lib.study.schema import NAMES, is_name

LABEL_SUFFIXES = (".csv", ".npy", ".parquet")
ONLY_SET = "clean"  # the id of the validation set if there is only one
MOST_NAMES = 5


@dataclass(frozen=True)
class Options:
    """What the user says beside the folder: `labels` is a file, a folder, or a path with `{dataset}` (or one `*`).

    `clean` names the clean validation set. With `skip_incomplete`, members that lack a file in a set are left out.
    """

    labels: str | None = None
    clean: str | None = None
    skip_incomplete: bool = False


@dataclass(frozen=True)
class Zoo:
    """What was found: pattern and kind of the members' files, the file of labels of each set, and what is left out.

    `labels` begins with the clean set. `skipped` has (path, reason).
    """

    pattern: str
    kind: str
    labels: dict[str, Path]
    skipped: list[tuple[str, str]]


def find_zoo(models: Path, options: Options) -> Zoo:
    """The members and validation sets below the folder `models`. Raises StudyError if they do not fit together."""
    here, folders = _predictions_in(models), [f for f in _folders(models) if not _is_labels(f, options)]
    below = {folder.name: files for folder in folders if (files := _predictions_in(folder))}
    here = [file for file in here if not _is_labels(file, options)]
    if here and below:
        raise StudyError(
            f"MODELS: {models} has files of predictions ({listing(file.name for file in here)}) and folders with such "
            f"files ({listing(below)}). For one validation set, name the folder with its files; for several, move the "
            "files into the folder of their set."
        )
    if below:
        return _several(models, below, options)
    if not here:
        raise StudyError(
            f"MODELS: {models} has no file that ends in {', '.join(kinds_of_suffixes())}, and no folder with such "
            f"files. Expected are {models}/MODEL.csv for one validation set, or {models}/SET/MODEL.csv for several."
        )
    return _one(models, here, options)


def _one(models: Path, files: Sequence[Path], options: Options) -> Zoo:
    if not options.labels or not Path(options.labels).is_file():
        found = f"{options.labels} is not a file" if options.labels else "no file is named"
        raise StudyError(
            f"LABELS: files of predictions need a file of labels, but {found}. The files in {models} are those of one "
            "validation set, because they are in no folders: LABELS=labels.csv, with a column `label` and ids in a "
            "column `sample`, if the predictions have ids (or labels.npy, with one label per row)."
        )
    if options.clean not in (None, ONLY_SET):
        raise StudyError(f"CLEAN: {models} has the files of one validation set, which is called {ONLY_SET!r}.")
    labels = Path(options.labels)
    suffix = _most_frequent(files)
    _refuse_labels_among_members([labels], [models], suffix)
    skipped = list(_other_files([models], suffix, {labels.resolve()}))
    return Zoo(str(models / f"*{suffix}"), kinds_of_suffixes()[suffix], {ONLY_SET: labels}, skipped)


def _several(models: Path, below: dict[str, list[Path]], options: Options) -> Zoo:
    _require_names_of_sets(models, below)
    labels, spare = _labels_of(models, list(below), options)
    _refuse_spare_labels(spare, models)
    of_labels = {file.resolve() for file in labels.values()}
    files = [file for files in below.values() for file in files]
    suffix = _most_frequent([file for file in files if file.resolve() not in of_labels] or files)
    _refuse_labels_among_members(labels.values(), [models / name for name in below], suffix)
    names = {name: {file.name for file in files if file.suffix == suffix} for name, files in below.items()}
    names = {name: names[name] for name in _ordered(list(below), options.clean, models)}
    skipped = list(_other_files([models, *_folders(models)], suffix, of_labels))
    skipped += _incomplete(names, models, options.skip_incomplete)
    pattern = str(models / DATASET / f"*{suffix}")
    return Zoo(pattern, kinds_of_suffixes()[suffix], {name: labels[name] for name in names}, skipped)


def _labels_of(models: Path, names: list[str], options: Options) -> tuple[dict[str, Path], dict[str, Path]]:
    """The file of labels of each set, and further files of labels by the name of the set that there is not."""
    if not options.labels:
        raise StudyError(
            f"LABELS: {models} has {len(names)} validation sets ({listing(names)}); name their labels. LABELS=labels "
            f"is a folder with one file per set (labels/{names[0]}.csv), LABELS='labels/{DATASET}/true.csv' says where "
            "the name of the set belongs, and LABELS=labels.csv is one file for all sets, if all show the same samples."
        )
    path = Path(options.labels)
    if path.is_file():
        return dict.fromkeys(names, path), {}
    found = _in_folder(path) if path.is_dir() else _by_pattern(options.labels)
    if lacking := [name for name in names if name not in found]:
        raise StudyError(
            f"LABELS: {options.labels} has no labels for the validation sets {listing(lacking)} (found: "
            f"{listing(found) or 'none'}). Expected is, for example, "
            f"{_expected(path, options.labels, lacking[0])}; or move {models / lacking[0]} out of {models}."
        )
    return {name: found[name] for name in names}, {name: file for name, file in found.items() if name not in names}


def _expected(path: Path, said: str, name: str) -> str:
    return str(path / f"{name}.csv") if path.is_dir() else _with_place(said).replace(DATASET, name)


def _in_folder(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix in LABEL_SUFFIXES and file.is_file() and not file.name.startswith("."):
            if file.stem in found:
                raise StudyError(
                    f"LABELS: {found[file.stem]} and {file} are both labels of {file.stem!r}: move one away, or say "
                    f"which by its suffix: LABELS='{folder / DATASET}{file.suffix}'."
                )
            found[file.stem] = file
    return found


def _with_place(said: str) -> str:
    """`{dataset}` in the place of the only `*`, if it is not stated."""
    return said.replace("*", DATASET) if DATASET not in said and said.count("*") == 1 else said


def _by_pattern(said: str) -> dict[str, Path]:
    pattern = _with_place(said)
    if DATASET not in pattern:
        raise StudyError(
            f"LABELS: {said} is neither a file nor a folder, and has no {DATASET} in the place of the name of a set."
        )
    first, *rest = map(re.escape, pattern.split(DATASET))
    named = first + "([^/]+)" + r"\1".join(rest)
    paths = sorted(glob.glob(glob.escape(pattern).replace(DATASET, "*")))
    matched = ((re.fullmatch(named, path), Path(path)) for path in paths)
    return {match[1]: path for match, path in matched if match and path.is_file()}


def _refuse_spare_labels(spare: dict[str, Path], models: Path) -> None:
    if spare:
        name, file = next(iter(spare.items()))
        raise StudyError(
            f"LABELS: there are labels for {listing(spare)}, but {models} has no folder of this name with files of "
            f"predictions. Put the predictions into {models / name}, or move {file} away."
        )


def _refuse_labels_among_members(labels: Iterable[Path], folders: Sequence[Path], suffix: str) -> None:
    for file in labels:
        if file.suffix == suffix and any(file.parent.samefile(folder) for folder in folders):
            raise StudyError(
                f"LABELS: {file} is among the files of predictions, and would be read as the predictions of a model: "
                f"move the labels to another folder, one file per validation set (labels/{folders[0].name}{suffix}, …)."
            )


def _require_names_of_sets(models: Path, names: Iterable[str]) -> None:
    if wrong := [name for name in names if not is_name(name)]:
        raise StudyError(
            f"MODELS: the folder {models / printable(wrong[0])} cannot be the name of a validation set: rename it (and "
            f"its labels) to {NAMES}."
        )


def _ordered(names: list[str], clean: str | None, models: Path) -> list[str]:
    """The clean set first: the one that is named, or `clean`, or the first in the order of names."""
    if clean is not None and clean not in names:
        raise StudyError(f"CLEAN: {clean!r} is none of the validation sets in {models}: {', '.join(sorted(names))}.")
    first = clean or (ONLY_SET if ONLY_SET in names else min(names))
    return [first, *sorted(set(names) - {first})]


def _incomplete(names: dict[str, set[str]], models: Path, skip: bool) -> list[tuple[str, str]]:
    """Members that lack a file in a set, with the reason. Raises StudyError if they are not to be skipped."""
    lacking = {
        name: [dataset for dataset, files in names.items() if name not in files]
        for name in sorted(set().union(*names.values()))
    }
    lacking = {name: datasets for name, datasets in lacking.items() if datasets}
    reasons = [(printable(models / DATASET / name), f"no file for {', '.join(sets)}") for name, sets in lacking.items()]
    if reasons and not skip:
        lines = "\n".join(f"  - {path}: {reason}" for path, reason in reasons[:MOST_NAMES])
        more = f"\n  - and {len(reasons) - MOST_NAMES} more" if len(reasons) > MOST_NAMES else ""
        raise StudyError(
            f"MODELS: a model needs a file in each of the {len(names)} validation sets, with the same name:\n"
            f"{lines}{more}\nAdd these files, or leave these models out with SKIP_INCOMPLETE=1."
        )
    if len(lacking) == len(set().union(*names.values())):
        raise StudyError(f"MODELS: no model in {models} has a file in each of the validation sets {listing(names)}.")
    return reasons


def _other_files(folders: Sequence[Path], suffix: str, labels: set[Path]) -> Iterator[tuple[str, str]]:
    """Files and folders that do not become members; settings beside members (`.json`) are left out.

    The first folder is the one that holds the others.
    """
    for folder in folders:
        files = [path for path in sorted(folder.iterdir()) if not path.is_dir() and not path.name.startswith(".")]
        if folder != folders[0] and not any(path.suffix in kinds_of_suffixes() for path in files):
            yield printable(folder), "no files of predictions in this folder"
            continue
        for path in files:
            if path.resolve() not in labels and path.suffix not in (suffix, ".json"):
                yield printable(path), f"another suffix than the members' {suffix}"


def _is_labels(path: Path, options: Options) -> bool:
    """Whether a file or folder is the one that the user names for the labels."""
    labels = Path(options.labels) if options.labels else None
    if labels is not None and DATASET in labels.name and DATASET not in str(labels.parent):
        labels = labels.parent
    return labels is not None and labels.exists() and path.samefile(labels)


def _folders(models: Path) -> list[Path]:
    return [path for path in sorted(models.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _predictions_in(folder: Path) -> list[Path]:
    kinds = kinds_of_suffixes()
    files = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return [f for f in files if f.suffix in kinds and not MEMBER_KINDS[kinds[f.suffix]].needs_images and f.is_file()]


def _most_frequent(files: Iterable[Path]) -> str:
    [(suffix, _)] = Counter(file.suffix for file in files).most_common(1)
    return suffix
