"""A first study file for a folder of models or files of predictions: `python -m scripts.lib.study.init MODELS …`."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.study.members_from_files import kinds_of_suffixes
from scripts.lib.study.resolve import resolve

HEAD = """# Written by `make init`; every key is described in docs/config.md, more in docs/how-to/bring-your-own-zoo.md.
# Paths are relative to the folder in which snakemake runs:
#   snakemake --cores all --configfile {file} --dry-run   shows what would be done
#   snakemake --cores all --configfile {file}             does it
"""
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


def study_for(models: Path, images: Path | None, labels: Path | None, name: str) -> dict[str, Any]:
    """A study of all models of the most frequent kind in the folder `models`.

    `images` is a folder with one folder per class; `labels` is a file of labels for files of predictions. Raises
    StudyError if no model or file of predictions of a known type is found.
    """
    if not models.is_dir():
        raise StudyError(f"MODELS: {models} is not a folder.")
    kinds = kinds_of_suffixes()
    suffixes = Counter(path.suffix for path in models.iterdir() if path.suffix in kinds)
    if not suffixes:
        raise StudyError(f"MODELS: {models} has no file that ends in {', '.join(kinds)}.")
    [(suffix, _)] = suffixes.most_common(1)
    kind = kinds[suffix]
    members: dict[str, Any] = {"from": str(models / f"*{suffix}"), "kind": kind}
    if not MEMBER_KINDS[kind].needs_images:
        if labels is None or not labels.is_file():
            raise StudyError(f"LABELS: files of predictions need a file of labels; {labels} is not a file.")
        datasets = {"kind": "predictions", "validation": [{"id": "clean", "labels": str(labels)}]}
        return {"name": name, "datasets": datasets, "members": members, "measures": ["disagreement", "js_divergence"]}
    return {"name": name, "datasets": _datasets(images), "members": members}


def _datasets(images: Path | None) -> dict[str, Any]:
    if images is None or not any(path.suffix.lower() in IMAGE_SUFFIXES for path in images.glob("*/*")):
        raise StudyError(f"IMAGES: {images} must be a folder with one folder of pictures for each class.")
    corrupted = [
        {"id": kind, "of": "clean", "corruption": kind, "severity": 3} for kind in ("noise", "blur", "digital")
    ]
    return {
        "kind": "image-folder",
        "image_size": 224,
        "validation": [{"id": "clean", "folder": str(images)}, *corrupted],
    }


def write_study(study: dict[str, Any], path: Path) -> None:
    """Write the study with comments, unless it is not valid or the file exists."""
    if path.exists():
        raise StudyError(f"{path} exists already: move it away, or name another file (OUTPUT=…).")
    resolve(study)
    text = yaml.safe_dump(study, sort_keys=False, default_flow_style=None, width=120)
    path.write_text(HEAD.format(file=path) + text, encoding="utf-8")


def main() -> int:
    """Write a study file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, help="a folder of models, or of files of predictions on one data set")
    parser.add_argument("--images", type=Path, help="a folder with one folder of pictures for each class")
    parser.add_argument("--labels", type=Path, help="a file of labels, for files of predictions")
    parser.add_argument("--output", type=Path, default=Path("my-zoo.yaml"))
    arguments = parser.parse_args()
    try:
        study = study_for(arguments.models, arguments.images, arguments.labels, arguments.output.stem)
        write_study(study, arguments.output)
    except StudyError as error:
        print(f"Error: {error}")
        return 1
    members = [row["member"] for row in resolve(study)["zoo"] if row["member"]]
    print(f"{arguments.output}: {len(members)} members ({study['members']['kind']}).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
