"""Tables and arrays that a user made: what the header of a file claims is compared with its content."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.read_predictions import read_scores

HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }"


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("form", ["npy", "npz"])
def test_a_header_that_claims_to_be_longer_than_any_is_refused_unread(tmp_path: Path, form: str, version: int) -> None:
    """NumPy asks for as many bytes as the header claims to have, up to 4 GB, before it looks at any."""
    claim = b"\xff" * (2 if version == 1 else 4)
    array = b"\x93NUMPY" + bytes([version, 0]) + claim + HEADER + bytes(16)
    path = tmp_path / f"m.{form}"
    if form == "npy":
        path.write_bytes(array)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("logits.npy", array)
    with pytest.raises(StudyError, match=rf"m\.{form} .*header of {int.from_bytes(claim, 'little')} bytes"):
        read_scores(path)


def test_long_headers_of_numpy_itself_are_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros((2, 1)), version=(2, 0))
    (tmp_path / "m.npy").write_bytes(file.getvalue())
    assert read_scores(tmp_path / "m.npy").values.tolist() == [[0.0], [0.0]]
