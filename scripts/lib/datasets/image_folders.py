"""The pictures below a folder, in a fixed order and each listed once. Needs only the standard library."""

import os
import stat
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from scripts.lib.jobs.errors import StudyError, printable

# The suffixes that torchvision's ImageFolder accepts, in lower case.
SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
Identity = tuple[int, int]  # device and inode: the same for every path to a file


def class_folders(root: Path) -> list[str]:
    """The names of the folders (or links to folders) in `root`, in alphabetical order.

    Raises StudyError for a name that cannot be stored in a list of classes.
    """
    names = sorted(entry.name for entry in _entries(str(root)) if _is_folder(entry))
    for name in names:
        _check_name(os.path.join(root, name))
    return names


def list_pictures(
    root: Path, folders: Sequence[str], suffixes: tuple[str, ...] = SUFFIXES, deep: bool = True
) -> list[list[str]]:
    """The paths of the pictures in each of these folders of `root`, in the order of the folders' names.

    With `deep`, pictures in subfolders are included, in torchvision's order. Links are followed. Raises StudyError for
    links by which a picture or folder would be listed twice, for anything that is not a file, and for names that are
    not UTF-8 or contain line breaks.
    """
    listing = _Listing(root, suffixes, deep)
    found = [listing.pictures(os.path.join(root, folder)) for folder in folders]
    listing.refuse_doubles()
    return found


class _Listing:
    """Remembers which folders were read and where links led, over all classes."""

    def __init__(self, root: Path, suffixes: tuple[str, ...], deep: bool) -> None:
        real = root.resolve()
        self.above = {_identity(str(folder)) for folder in (real, *real.parents)}
        self.suffixes, self.deep = suffixes, deep
        self.folders: dict[Identity, str] = {}
        self.linked: dict[str, str] = {}  # from a picture that a link leads to, to the link
        self.real_folder = cache(os.path.realpath)  # there may be a million links to files of a few folders

    def pictures(self, folder: str) -> list[str]:
        """Paths of the pictures in a folder, in torchvision's order: by the path of their folder, then by name."""
        found: dict[str, list[str]] = {}
        waiting = [folder]
        while waiting:
            place = waiting.pop()
            entries = _entries(place)
            self._enter(place)
            found[place] = []
            for entry in entries:
                if self.deep and _is_folder(entry):
                    waiting.append(entry.path)
                elif entry.name.lower().endswith(self.suffixes):
                    self._check(entry)
                    found[place].append(entry.path)
        return [path for place in sorted(found) for path in sorted(found[place])]

    def _enter(self, folder: str) -> None:
        _check_name(folder)
        identity = _identity(folder)
        if identity in self.above:
            raise StudyError(
                f"{printable(folder)} leads to {printable(os.path.realpath(folder))}, which contains the images "
                "themselves: remove this link."
            )
        other = self.folders.setdefault(identity, folder)
        if other != folder:
            link, real = (other, folder) if os.path.islink(other) and not os.path.islink(folder) else (folder, other)
            raise StudyError(
                f"{printable(link)} leads to the same folder as {printable(real)}, whose pictures would count twice, "
                "perhaps under two classes: remove one of them, or make a copy of the folder."
            )

    def _check(self, entry: os.DirEntry[str]) -> None:
        _check_name(entry.path)
        if entry.is_symlink():
            real = self._target(entry.path)
            if (other := self.linked.setdefault(real, entry.path)) != entry.path:
                raise _double(max(other, entry.path), min(other, entry.path))
        elif not entry.is_file(follow_symlinks=False):
            raise StudyError(f"{printable(entry.path)} is not a file although it is named as a picture: remove it.")

    def _target(self, link: str) -> str:
        """The file at the end of a link."""
        target = os.readlink(link)
        try:
            mode = os.stat(link).st_mode
        except OSError as error:
            what = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            raise StudyError(
                f"{printable(link)} is a link to {printable(target)}, which {what}: correct or remove it."
            ) from None
        if not stat.S_ISREG(mode):
            raise StudyError(f"{printable(link)} is not a file although it is named as a picture: remove it.")
        folder, name = os.path.split(os.path.join(os.path.dirname(link), target))
        real = os.path.join(self.real_folder(folder), name)
        return os.path.realpath(real) if os.path.islink(real) else real

    def refuse_doubles(self) -> None:
        """Raise StudyError if a link leads to a picture that is also listed itself."""
        identity = cache(_identity)
        for real, link in self.linked.items():
            folder, name = os.path.split(real)
            if name.lower().endswith(self.suffixes) and (listed := self.folders.get(identity(folder))):
                raise _double(link, os.path.join(listed, name))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise StudyError(f"the folder {printable(folder)} cannot be read ({error.strerror}).") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that lead to each other
        return False


def _identity(folder: str) -> Identity:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _double(link: str, other: str) -> StudyError:
    return StudyError(
        f"{printable(link)} and {printable(other)} are the same picture, which would count twice, perhaps under two "
        "classes: remove the link, or make a copy if the picture is meant to count twice."
    )


def _check_name(path: str) -> None:
    """Raise StudyError for names that cannot be sample ids, which are lines of UTF-8."""
    name = os.path.basename(path)
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        what = "is not UTF-8"
    else:
        if not {"\n", "\r"} & set(name):
            return
        what = "has a line break"
    raise StudyError(
        f"the name of {printable(path)} {what}, but it becomes the picture's id in a text file: rename it."
    )
