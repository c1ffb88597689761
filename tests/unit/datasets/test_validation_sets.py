"""Stored validation sets are opened whole, or refused by the name of the file."""

from pathlib import Path

import numpy as np
import pytest

from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_array, save_json, save_lines


def paths(folder: Path) -> dict[str, str]:
    names = {"images": "images.npy", "labels": "labels.npy", "samples": "samples.txt", "record": "record.json"}
    return {key: str(folder / name) for key, name in names.items()}


def write_record(files: dict[str, str]) -> None:
    """What a job that wrote these files says of them."""
    kinds = ("images", "labels", "samples")
    save_json(files["record"], {"checksums": checksums(**{kind: files[kind] for kind in kinds})})


@pytest.mark.parametrize("shorter", ["images", "labels", "samples"])
def test_files_that_do_not_belong_together_are_refused(shorter: str, tmp_path: Path) -> None:
    files = paths(tmp_path)
    counts = dict.fromkeys(files, 4) | {shorter: 3}
    save_array(files["images"], np.zeros((counts["images"], 32, 32, 3), np.uint8))
    save_array(files["labels"], np.zeros(counts["labels"], np.int64))
    save_lines(files["samples"], map(str, range(counts["samples"])))
    write_record(files)
    with pytest.raises(StudyError) as caught:
        load_validation_set(**files)
    assert f"{files[shorter]}: 3" in str(caught.value)


def test_a_missing_validation_file_is_named(tmp_path: Path) -> None:
    files = paths(tmp_path)
    save_array(files["images"], np.zeros((1, 32, 32, 3), np.uint8))
    save_array(files["labels"], np.zeros(1, np.int64))
    save_lines(files["samples"], ["0"])
    write_record(files)
    Path(files["labels"]).unlink()
    with pytest.raises(StudyError, match=f"{files['labels']} is missing"):
        load_validation_set(**files)
