"""What a file of predictions holds: ids are found, or a message says that there are none."""

from pathlib import Path

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.read_predictions import read_scores


@pytest.mark.parametrize("name", ["names", "image", "filenames"])
@pytest.mark.parametrize("kind", ["U", "S"])
def test_texts_beside_the_scores_that_may_be_ids_are_not_passed_over(tmp_path: Path, name: str, kind: str) -> None:
    """Without ids the rows would be taken in the order of the validation set."""
    texts = np.array(["b", "a"]).astype(kind)
    np.savez(tmp_path / "m.npz", logits=np.zeros((2, 3)), **{name: texts})
    with pytest.raises(StudyError, match=rf"m\.npz has no ids .*`{name}`.*rename it to `sample`"):
        read_scores(tmp_path / "m.npz")
    np.savez(tmp_path / "m.npz", logits=np.zeros((2, 3)), sample=["b", "a"], **{name: texts})
    assert read_scores(tmp_path / "m.npz").samples == ["b", "a"]


def test_other_arrays_beside_the_scores_are_left_alone(tmp_path: Path) -> None:
    further = {
        "labels": np.array(["cat", "dog"]),
        "embedding": np.zeros((2, 8)),
        "model": np.array("resnet"),
        "notes": np.array(["x"]),
        "split": np.array(["test", "test"]),
        "objects": np.array([{}, {}], dtype=object),
    }
    np.savez(tmp_path / "m.npz", logits=np.zeros((2, 3)), allow_pickle=True, **further)
    assert read_scores(tmp_path / "m.npz").samples is None
