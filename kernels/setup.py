"""What pyproject.toml cannot say: the version is that of CITATION.cff, and nothing is built beside the sources."""

import re
import tempfile
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
# A source distribution has no CITATION.cff, but a PKG-INFO with the version that was written when it was made.
STATED = {HERE / "PKG-INFO": r"^Version: (\S+)$", HERE.parent / "CITATION.cff": r"^version: (\S+)$"}


def version() -> str:
    """The version of the project."""
    for path, pattern in STATED.items():
        if path.is_file() and (found := re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)):
            return found[1]
    raise SystemExit(f"The version is not known: neither of {', '.join(map(str, STATED))} states it.")


with tempfile.TemporaryDirectory() as folder:
    setup(
        version=version(),
        script_name="setup.py",  # so that this file is not taken for a module of the package
        options={"build": {"build_base": folder}, "egg_info": {"egg_base": folder}},
    )
