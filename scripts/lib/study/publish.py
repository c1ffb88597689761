"""Put what a repository should show of a finished study into a folder: report, tables as text, figures, checksums.

`python -m scripts.lib.study.publish STUDY FOLDER [--mebibytes 2] [--figures NAME …]`

Files over the limit are left out and named: a repository keeps every version of them for ever. They belong in the
archives (`make archive`, `make archive-predictions`), which can be attached to a release.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.jobs.errors import StudyError, listing
from scripts.lib.jobs.storage import digest_of_file, load_lines, save_lines, whole_file
from scripts.lib.study.file import read_study
from scripts.lib.study.finished import Finished, finished
from scripts.lib.study.resolve import resolve

# A name of its own: a list that was there before is none of an earlier call.
CHECKSUMS = "published.sha256"


@dataclass(frozen=True)
class Published:
    """Paths relative to the folder: what was copied, and what is larger than the limit."""

    copied: list[str]
    too_large: list[str]


def publish(study: Finished, folder: Path, mebibytes: float, figures: Sequence[str] | None = None) -> Published:
    """Copy the files of a study to `folder`, and write their checksums there.

    `figures` are names without suffix; without them, all are copied. Files that an earlier call published and this one
    does not are removed; others in the folder, such as a README, are left alone. Raises StudyError if the study has no
    figure of a name, or if the folder cannot be used: because of the study's results, or of files of the user's own.
    """
    _refuse_folder(folder, study.folder)
    names = study.files(figures)
    small = [name for name in names if (study.folder / name).stat().st_size <= mebibytes * 2**20]
    new = {name: digest_of_file(study.folder / name) for name in small}
    old = _published_before(folder)
    _refuse_to_overwrite(folder, new, old)
    # If this call is stopped, the next one knows what either has copied: of a file, the list has both digests.
    _list(folder, {*old.items(), *new.items()})
    for name in old.keys() - new.keys():
        (folder / name).unlink(missing_ok=True)
    for name in new:
        with whole_file(folder / name) as part:
            shutil.copyfile(study.folder / name, part)
    _list(folder, new.items())
    return Published(small, [name for name in names if name not in new])


def _refuse_folder(folder: Path, results: Path) -> None:
    existing = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise StudyError(f"FOLDER: {existing} is not a folder.")
    place, source = folder.resolve(), results.resolve()
    if place.is_relative_to(source) or source.is_relative_to(place):
        raise StudyError(
            f"FOLDER: {folder} is the folder of the study's results ({source}), lies inside it or contains it: name "
            "another folder."
        )


def _refuse_to_overwrite(folder: Path, new: Collection[str], old: Collection[str]) -> None:
    """Raise StudyError for files in the place of `new` ones, or of their folders, that are not among the `old` ones."""
    parents = {str(parent) for name in new for parent in Path(name).parents}
    taken = [name for name in sorted(parents) if os.path.lexists(folder / name) and not (folder / name).is_dir()]
    taken += [name for name in new if name not in old and os.path.lexists(folder / name)]
    if taken:
        raise StudyError(
            f"FOLDER: {folder} already has {listing(taken)}, which this command did not publish, or which was changed "
            "since: move what you want to keep, delete the rest, or name another folder."
        )


def _list(folder: Path, digests: Iterable[tuple[str, str]]) -> None:
    save_lines(folder / CHECKSUMS, (f"{digest}  {name}" for name, digest in digests))


def _published_before(folder: Path) -> dict[str, str]:
    """The files of an earlier call that are still as it wrote them, with their digests."""
    if not (folder / CHECKSUMS).is_file():
        return {}
    listed = [(name, digest) for digest, _, name in (line.partition("  ") for line in load_lines(folder / CHECKSUMS))]
    inside = [
        (name, digest) for name, digest in listed if not Path(name).is_absolute() and ".." not in Path(name).parts
    ]
    return {
        name: digest for name, digest in inside if (folder / name).is_file() and digest_of_file(folder / name) == digest
    }


def main() -> int:
    """Publish a study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mebibytes", type=float, default=2.0, help="limit of a file's size (MiB)")
    parser.add_argument("--figures", nargs="*", help="names of figures without suffix; all without this option")
    arguments = parser.parse_args()
    try:
        study = resolve(read_study(arguments.study))
        results = finished(Path("results") / study["name"], study)
        published = publish(results, arguments.folder, arguments.mebibytes, arguments.figures)
    except OSError as error:
        print(f"Error: {error.filename or arguments.folder} cannot be read or written ({error.strerror}).")
        return 1
    except StudyError as error:
        print(f"Error: {error}")
        return 1
    total = sum((arguments.folder / name).stat().st_size for name in published.copied) / 2**20
    print(f"{len(published.copied)} files, {total:.1f} MiB, in {arguments.folder}.")
    for name in published.too_large:
        print(f"Left out, because it is larger than {arguments.mebibytes:g} MiB: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
