"""Put what a repository should show of a finished study into a folder: report, tables as text, figures, checksums.

`python -m scripts.lib.study.publish STUDY FOLDER [--mebibytes 2] [--figures NAME …]`

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

# A name of its own: a list that was there before is none of an earlier call.
CHECKSUMS = "published.sha256"


@dataclass(frozen=True)
class Published:
    """Paths relative to the folder: what was copied, and what is larger than the limit."""

    copied: list[str]
    too_large: list[str]


def publish(results: Path, folder: Path, mebibytes: float, figures: Sequence[str] | None = None) -> Published:
    """Copy the files of a study in `results` to `folder`, and write their checksums there.

    `figures` are names without suffix; without them, all are copied. Files that an earlier call published and this one
    does not are removed; others in the folder, such as a README, are left alone. Raises StudyError if the study is not
    finished, or has no figure of a name.
    """
    absent = [name for name in ("provenance.json", "report.html") if not (results / name).is_file()]
    if absent:
        raise StudyError(f"{results} has no {' and no '.join(absent)}: run the study to its end first.")
    paths = list(_files(results, figures))
    small = [path for path in paths if path.stat().st_size <= mebibytes * 2**20]
    new = {str(path.relative_to(results)): digest_of_file(path) for path in small}
    old = _published_before(folder)
    _list(folder, old | new)  # if this call is stopped, the next one knows what either has copied
    for name in old.keys() - new.keys():
        (folder / name).unlink(missing_ok=True)
    for name in new:
        with whole_file(folder / name) as part:
            shutil.copyfile(results / name, part)
    _list(folder, new)
    return Published(list(new), [str(path.relative_to(results)) for path in paths if path not in small])


def _list(folder: Path, digests: dict[str, str]) -> None:
    save_lines(folder / CHECKSUMS, (f"{digest}  {name}" for name, digest in digests.items()))


def _files(results: Path, figures: Sequence[str] | None) -> Iterator[Path]:
    for name in ("report.html", "study.json", "provenance.json"):
        yield results / name
    yield from sorted((results / "csv").rglob("*.csv"))
    pictures = results / "figures"
    drawn = {str(path.relative_to(pictures).with_suffix("")): path for path in sorted(pictures.rglob("*.png"))}
    if unknown := [name for name in figures or [] if name not in drawn]:
        raise StudyError(f"--figures: {results} has no figure {listing(unknown)}; it has {', '.join(drawn)}.")
    yield from (drawn[name] for name in (drawn if figures is None else figures))


def _published_before(folder: Path) -> dict[str, str]:
    """The files of an earlier call that are still as it wrote them, with their digests."""
    if not (folder / CHECKSUMS).is_file():
        return {}
    found = {name: digest for digest, _, name in (line.partition("  ") for line in load_lines(folder / CHECKSUMS))}
    inside = {name for name in found if not Path(name).is_absolute() and ".." not in Path(name).parts}
    return {
        name: found[name]
        for name in inside
        if (folder / name).is_file() and digest_of_file(folder / name) == found[name]
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
        results = Path("results") / resolve(read_study(arguments.study))["name"]
        published = publish(results, arguments.folder, arguments.mebibytes, arguments.figures)
    except (OSError, StudyError) as error:
        print(f"Error: {error}")
        return 1
    total = sum((arguments.folder / name).stat().st_size for name in published.copied) / 2**20
    print(f"{len(published.copied)} files, {total:.1f} MiB, in {arguments.folder}.")
    for name in published.too_large:
        print(f"Left out, because it is larger than {arguments.mebibytes:g} MiB: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
