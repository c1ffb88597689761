"""Members that are run on a validation set: what is recorded, and that a kind returns what it must."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.members import runs
from scripts.lib.members.runs import predictions_of
from scripts.lib.members.spec import MemberKind, Run

RUN = Run(
    member={"id": "m", "kind": "toy"},
    file=None,
    dataset="clean",
    images=np.zeros((2, 4, 4, 3), np.uint8),
    samples=["a", "b"],
    classes=["cat", "dog", "newt"],
    stored={"image_size": 4, "resize": None},
    folder=Path("predictions"),
    threads=1,
)


def returning(monkeypatch: pytest.MonkeyPatch, logits: np.ndarray, details: dict[str, Any]) -> None:
    """Let members of kind toy predict these logits."""
    kind = MemberKind("toy", 1, "", "", "run", predict=lambda run: (logits, details))
    monkeypatch.setattr(runs, "kind_of", lambda member: kind)


def test_what_a_kind_does_not_record_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.ones((2, 3), np.float32)
    returning(monkeypatch, expected, {"values": "probabilities", "file": "m.onnx"})
    logits, details = predictions_of(RUN)
    assert logits is expected
    assert details.pop("seconds") >= 0
    assert details == {"values": "probabilities", "file": "m.onnx", "remarks": [], "device": "CPU"}


@pytest.mark.parametrize(
    "logits",
    [np.ones((3, 2), np.float32), np.ones((2, 3)), np.full((2, 3), np.nan, np.float32)],
    ids=["shape", "type", "not finite"],
)
def test_a_kind_that_returns_no_logits_is_named(monkeypatch: pytest.MonkeyPatch, logits: np.ndarray) -> None:
    returning(monkeypatch, logits, {})
    with pytest.raises(ValueError, match=r"members/m: kind 'toy' returned float\d\d .* finite float32 \[2, 3\]"):
        predictions_of(RUN)
