"""Put what a repository should show of a finished study into a folder: report, tables as text, figures, checksums.

`python -m scripts.lib.study.publish STUDY FOLDER [--megabytes 2] [--figures NAME …]`

Files over the limit are left out and named: a repository keeps every version of them for ever. They belong in the
archives (`make archive`, `make archive-predictions`), which can be attached to a release.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.jobs.errors import StudyError, listing
from scripts.lib.jobs.storage import digest_of_file, load_lines, save_lines, whole_file
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve

CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Published:
    """Paths relative to the folder: what was copied, and what is larger than the limit."""

    copied: list[str]
    too_large: list[str]


def publish(results: Path, folder: Path, megabytes: float, figures: Sequence[str] | None = None) -> Published:
    """Copy the files of a study in `results` to `folder`, and write their checksums there.

    `figures` are names without suffix; without them, all are copied. Files that an earlier call published and this one
    does not are removed; others in the folder, such as a README, are left alone. Raises StudyError if the study is not
    finished, or has no figure of a name.
    """
    absent = [name for name in ("provenance.json", "report.html") if not (results / name).is_file()]
    if absent:
        raise StudyError(f"{results} has no {' and no '.join(absent)}: run the study to its end first.")
    paths = list(_files(results, figures))
    small = [path for path in paths if path.stat().st_size <= megabytes * 2**20]
    names = [str(path.relative_to(results)) for path in small]
    for old in _published_before(folder) - set(names):
        (folder / old).unlink(missing_ok=True)
    for path, name in zip(small, names, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / name) as part:
            shutil.copyfile(path, part)
    save_lines(folder / CHECKSUMS, (f"{digest_of_file(folder / name)}  {name}" for name in names))
    return Published(names, [str(path.relative_to(results)) for path in paths if path not in small])


def _files(results: Path, figures: Sequence[str] | None) -> Iterator[Path]:
    for name in ("report.html", "study.json", "provenance.json"):
        yield results / name
    yield from sorted((results / "csv").rglob("*.csv"))
    pictures = results / "figures"
    drawn = {str(path.relative_to(pictures).with_suffix("")): path for path in sorted(pictures.rglob("*.png"))}
    if unknown := [name for name in figures or [] if name not in drawn]:
        raise StudyError(f"--figures: {results} has no figure {listing(unknown)}; it has {', '.join(drawn)}.")
    yield from (drawn[name] for name in (drawn if figures is None else figures))


def _published_before(folder: Path) -> set[str]:
    """The files of an earlier call. Names that lead out of the folder are ignored."""
    if not (folder / CHECKSUMS).is_file():
        return set()
    names = {line.split("  ", 1)[-1] for line in load_lines(folder / CHECKSUMS)}
    return {name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts}


def main() -> int:
    """Publish a study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=float, default=2.0, help="limit of a file's size (MiB)")
    parser.add_argument("--figures", nargs="*", help="names of figures without suffix; all without this option")
    arguments = parser.parse_args()
    try:
        results = Path("results") / resolve(read_study(arguments.study))["name"]
        published = publish(results, arguments.folder, arguments.megabytes, arguments.figures)
    except (OSError, StudyError) as error:
        print(f"Error: {error}")
        return 1
    total = sum((arguments.folder / name).stat().st_size for name in published.copied) / 2**20
    print(f"{len(published.copied)} files, {total:.1f} MiB, in {arguments.folder}.")
    for name in published.too_large:
        print(f"Left out, because it is larger than {arguments.megabytes:g} MiB: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
