"""A first study file for a folder of models or files of predictions: `python -m scripts.lib.study.init MODELS …`."""

import argparse
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scripts.lib.datasets.image_folders import class_folders, list_pictures
from scripts.lib.jobs.errors import StudyError, printable, shown
from scripts.lib.jobs.paths import ROOT
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.study.members_from_files import kinds_of_suffixes
from scripts.lib.study.resolve import resolve
from scripts.lib.study.schema import NAMES, is_name
from scripts.lib.study.summary import command, summary
from scripts.lib.study.user_files import check_folders
from scripts.lib.study.zoo_folders import Options, find_zoo

HEAD = """# Written by `make init`; every key is described in docs/config.md, more in docs/how-to/bring-your-own-zoo.md.
# Paths are relative to the folder in which snakemake runs:
#   snakemake --cores all --configfile {file} --dry-run   shows what would be done
#   snakemake --cores all --configfile {file}             does it
"""


@dataclass(frozen=True)
class FirstStudy:
    """A study file's content, and the files that it leaves out, as (path, reason)."""

    study: dict[str, Any]
    skipped: list[tuple[str, str]] = field(default_factory=list)


def study_for(models: Path, images: Path | None, options: Options, name: str) -> FirstStudy:
    """A study of all models of the most frequent kind in the folder `models`.

    `images` is a folder with one folder per class; without it, the folder holds files of predictions, or one folder of
    them for each validation set. Raises StudyError, with what to do, if these do not fit together.
    """
    if not models.is_dir():
        raise StudyError(f"MODELS: {models} is not a folder.")
    if set("*?[") & set(str(models)):
        raise StudyError(f"MODELS: {models} has *, ? or [ in its path, which the study file would read as a pattern.")
    suffix = _suffix_of_models(models, images)
    if suffix is None:
        if images is not None:
            raise StudyError(f"IMAGES: the files in {models} are predictions, which need LABELS and no images.")
        zoo = find_zoo(models, options)
        validation = [{"id": dataset, "labels": str(path)} for dataset, path in zoo.labels.items()]
        return FirstStudy(
            {
                "name": name,
                "datasets": {"kind": "predictions", "validation": validation},
                "members": {"from": zoo.pattern, "kind": zoo.kind},
                "measures": ["disagreement", "js_divergence"],
            },
            zoo.skipped,
        )
    _refuse_options_of_predictions(options)
    members = {"from": str(models / f"*{suffix}"), "kind": kinds_of_suffixes()[suffix]}
    others = [p for p in sorted(models.iterdir()) if p.suffix not in (suffix, ".json") and not p.name.startswith(".")]
    skipped = [(printable(path), f"another suffix than the members' {suffix}") for path in others if not path.is_dir()]
    return FirstStudy({"name": name, "datasets": _datasets(images), "members": members}, skipped)


def _suffix_of_models(models: Path, images: Path | None) -> str | None:
    """The most frequent suffix of the files in a folder; None if its files are predictions, or if there are none.

    Where images are named, tables beside models (such as logs) are not counted.
    """
    kinds = kinds_of_suffixes()
    needed = {suffix for suffix, kind in kinds.items() if MEMBER_KINDS[kind].needs_images}
    files = [path for path in sorted(models.iterdir()) if path.is_file() and not path.name.startswith(".")]
    counted = Counter(path.suffix for path in files if path.suffix in kinds)
    if images is not None and needed & counted.keys():
        counted = Counter({suffix: number for suffix, number in counted.items() if suffix in needed})
    suffix = counted.most_common(1)[0][0] if counted else None
    return suffix if suffix in needed else None


def _refuse_options_of_predictions(options: Options) -> None:
    named = {"LABELS": options.labels, "CLEAN": options.clean, "SKIP_INCOMPLETE": options.skip_incomplete}
    if given := [name for name, value in named.items() if value]:
        raise StudyError(f"{given[0]}: the files are models, which have no use for it. It is for files of predictions.")


def _datasets(images: Path | None) -> dict[str, Any]:
    if images is None:
        raise StudyError("IMAGES: the files are models: name a folder with one folder of pictures for each class.")
    if not images.is_dir():
        raise StudyError(f"IMAGES: {images} is not a folder.")
    if not any(list_pictures(images, class_folders(images))):
        raise StudyError(f"IMAGES: {images} has no folder with pictures. Expected is one such folder for each class.")
    corrupted = [
        {"id": kind, "of": "clean", "corruption": kind, "severity": 3} for kind in ("noise", "blur", "digital")
    ]
    return {
        "kind": "image-folder",
        "image_size": 224,
        "validation": [{"id": "clean", "folder": str(images)}, *corrupted],
    }


def write_study(study: dict[str, Any], path: Path) -> None:
    """Write the study with comments. Raises StudyError if the file exists."""
    text = yaml.safe_dump(study, sort_keys=False, default_flow_style=None, width=120)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(HEAD.format(file=path) + text)
    except FileExistsError:
        raise StudyError(f"{path} exists already: move it away, or name another file (OUTPUT=…).") from None
    except OSError as error:
        raise StudyError(f"OUTPUT: {path} cannot be written ({error.strerror}).") from None


def main() -> int:
    """Write a study file, and say what it holds and will cost."""
    arguments = _arguments()
    output = arguments.output
    labels = os.path.expanduser(arguments.labels) if arguments.labels else None
    options = Options(labels, arguments.clean, arguments.skip_incomplete)
    try:
        if output.exists():
            raise StudyError(f"{output} exists already: move it away, or name another file (OUTPUT=…).")
        if not is_name(output.stem):
            raise StudyError(
                f"OUTPUT: the file's name without suffix, {shown(output.stem)}, becomes the study's name, which may "
                f"have only {NAMES}. Name another file."
            )
        first = study_for(arguments.models, arguments.images, options, output.stem)
        study = resolve(first.study)
        check_folders(study, str(ROOT))
        lines = list(summary(study, first.skipped))
        write_study(first.study, output)
    except OSError as error:
        print(f"Error: {error.filename} cannot be read ({error.strerror}).")
        return 1
    except StudyError as error:
        print(f"Error: {error}")
        return 1
    print(f"{output}: the study {study['name']!r}", *lines, f"Run it: {command(output, ROOT / 'Snakefile')}", sep="\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, help="a folder of models, or of predictions: MODEL.csv or SET/MODEL.csv")
    parser.add_argument("--images", type=Path, help="a folder with one folder of pictures for each class")
    parser.add_argument("--labels", help="labels: a file, a folder of SET.csv, or a path with {dataset}")
    parser.add_argument("--clean", help="the clean validation set (otherwise `clean`, or the first by name)")
    parser.add_argument("--skip-incomplete", action="store_true", help="leave out models without a file in some set")
    parser.add_argument("--output", type=Path, default=Path("my-zoo.yaml"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
