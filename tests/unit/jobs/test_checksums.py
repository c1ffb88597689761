"""A damaged file is noticed by the checksum in its record."""

from pathlib import Path

import numpy as np
import pytest

from scripts.lib.jobs.checksums import checksums, require_undamaged
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_array, save_json


@pytest.mark.parametrize("position", [0, 200, -1])
def test_one_flipped_bit_is_seen(tmp_path: Path, position: int) -> None:
    path, record = tmp_path / "a.npy", tmp_path / "a.json"
    save_array(path, np.arange(100))
    save_json(record, {"checksums": checksums(predictions=path)})
    require_undamaged(record, predictions=path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"a\.npy was damaged .* Delete both and run again"):
        require_undamaged(record, predictions=path)


@pytest.mark.parametrize("content", [[], {}, {"checksums": 1}, {"checksums": {"weights": 3}}])
def test_a_record_without_a_checksum_is_refused(tmp_path: Path, content: object) -> None:
    path, record = tmp_path / "a.npy", tmp_path / "a.json"
    save_array(path, np.arange(3))
    save_json(record, content)
    with pytest.raises(StudyError, match="has no checksum"):
        require_undamaged(record, weights=path)


def test_a_checksum_is_that_of_xxh128(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert checksums(a=tmp_path / "empty") == {"a": "99aa06d3014798d86001c324468d497f"}  # published test value
