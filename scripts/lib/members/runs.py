"""Members whose network is not known, run on a validation set: what their kind computes, and what is recorded."""

import time
from typing import Any

import numpy as np

from scripts.lib.members.spec import Run, kind_of


def predictions_of(run: Run) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] of a member on a validation set, and the record of them.

    Raises StudyError for what the kind refuses, and ValueError for a kind that does not return finite logits of this
    shape.
    """
    kind, start = kind_of(run.member), time.perf_counter()
    assert kind.predict is not None, f"members of kind {kind.name} are not run"
    logits, details = kind.predict(run)
    shape = (len(run.samples), len(run.classes))
    if logits.shape != shape or logits.dtype != np.float32 or not np.isfinite(logits).all():
        raise ValueError(
            f"members/{run.member['id']}: kind {kind.name!r} returned {logits.dtype} {list(logits.shape)} for finite "
            f"float32 {list(shape)} [samples, classes]."
        )
    told = {"values": "logits", "remarks": [], "device": "CPU", "seconds": time.perf_counter() - start}
    return logits, details | {key: value for key, value in told.items() if key not in details}
