"""Paths that a study names: how they are opened, and why one cannot be used.

Needs only the standard library, because the rules import this module.
"""

import errno
import os
import re
import stat
from pathlib import Path

DATASET = "{dataset}"
# What Snakemake replaces in every input file; there is no way to write these characters themselves.
REPLACED = re.compile(r"\{\s*[.\w]+\s*(?:,[^{}]*(?:\{\d+(?:,\d+)?\}[^{}]*)*)?\}|<[a-z][a-z0-9_]*>")


def location(path: str) -> str:
    """A path of the study as it is opened: with the home folder for `~`, without `./` and double slashes."""
    return str(Path(os.path.expanduser(path)))


def fault_of_file(path: str) -> str:
    """Why no file can be read at this path; an empty text if one can."""
    place = location(path)
    try:
        mode = os.stat(place).st_mode
    except ValueError:  # the path contains a NUL character
        return "does not exist"
    except OSError as error:
        return _fault_of_missing(place, error)
    if stat.S_ISREG(mode):
        return "" if os.access(place, os.R_OK) else "may not be read (its permissions do not allow it)"
    names = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return f"is a {names.get(stat.S_IFMT(mode), 'device')}, not a file"


def _fault_of_missing(place: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself"
    if os.path.islink(place):
        return f"is a link to {os.readlink(place)}, which does not exist"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "does not exist"
    return f"cannot be accessed ({error.strerror})"


def fault_of_path(path: str) -> str:
    """Why Snakemake cannot use this path as an input; an empty text if it can."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8; rename it"
    found = REPLACED.search(path)
    return f"has {found.group()} in its path, which Snakemake would replace; rename the file or folder" if found else ""
