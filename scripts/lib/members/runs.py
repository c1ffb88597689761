"""Runs members whose network is not known on a validation set: checks their logits and completes the record."""

import time
from typing import Any

import numpy as np

from scripts.lib.members.spec import Run, kind_of


def predictions_of(run: Run) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] of a member on a validation set, and their record.

    Raises StudyError if the kind does, and ValueError if the kind does not return finite logits of this shape.
    """
    kind, start = kind_of(run.member), time.perf_counter()
    assert kind.predict is not None, f"members of kind {kind.name} are not run"
    logits, details = kind.predict(run)
    shape = (len(run.samples), len(run.classes))
    if logits.shape != shape or logits.dtype != np.float32 or not np.isfinite(logits).all():
        raise ValueError(
            f"members/{run.member['id']}: kind {kind.name!r} returned {logits.dtype} {list(logits.shape)}; expected "
            f"finite float32 {list(shape)} [samples, classes]."
        )
    told = {"values": "logits", "remarks": [], "device": "CPU", "seconds": time.perf_counter() - start}
    return logits, details | {key: value for key, value in told.items() if key not in details}
