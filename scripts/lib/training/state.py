"""The state after each epoch, from which a killed training continues, and the record of a finished training."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.device import device_name
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import whole_file
from scripts.lib.jobs.versions import versions
from scripts.lib.training.distributed import rank
from scripts.lib.training.inputs import DIGEST_OF_IMAGES

Part = nn.Module | torch.optim.Optimizer | torch.amp.GradScaler


def save_state(path: str, settings: dict[str, Any], parts: dict[str, Part], history: list[dict[str, Any]]) -> None:
    """Write what a training needs to continue after its last finished epoch.

    Order and random streams depend only on the seed and the number of the epoch, so they are not stored.
    """
    if rank():
        return
    state = {"settings": settings, "history": history} | {name: part.state_dict() for name, part in parts.items()}
    content = io.BytesIO()  # torch's own writer does not report a full disk
    torch.save(state, content)
    with whole_file(path) as part:
        part.write_bytes(content.getbuffer())


def restore(path: str, settings: dict[str, Any], parts: dict[str, Part]) -> list[dict[str, Any]]:
    """Continue from the last finished epoch, if there is one; returns the history so far.

    Raises StudyError, naming the keys that differ, if the state belongs to another recipe or other images, and if the
    file cannot be read for a reason that may pass. A damaged file is ignored.
    """
    if not Path(path).exists():
        return []
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise StudyError(
            f"{path}, the state of an unfinished training, cannot be read ({error.strerror}): run again to continue "
            "it, or delete the file to start over."
        ) from None
    try:
        # Not to a GPU: one without free memory would make it look damaged.
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        before = state["settings"]
    except Exception as error:  # noqa: BLE001 - whatever the problem is, the training can start over
        log.warning("train %s: %s cannot be read (%s), starting over", settings["id"], path, type(error).__name__)
        return []
    if differing := list(_differences(before, settings)):
        raise StudyError(
            f"{path} is the state of an unfinished training of {settings['id']} ({len(state['history'])} epochs), "
            f"which began differently: {'; '.join(differing)}. Restore what differs to continue it, or delete the file "
            "to start over."
        )
    for name, part in parts.items():
        part.load_state_dict(state[name])
    log.info("train %s: resumed after epoch %d", settings["id"], len(state["history"]))
    return state["history"]


def _differences(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """`optimizer/lr was 0.1, is 0.2` for every key that differs; digests would say nothing to a reader."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            yield from _differences(before.get(key), now.get(key), f"{where}/{key}" if where else key)
    elif before != now and where == DIGEST_OF_IMAGES:
        yield "the training images are not the same, or their files have other names, sizes or times of modification"
    elif before != now:
        yield f"{where} was {before}, is {now}"


def make_record(
    member: dict[str, Any],
    classes: list[str],
    images: int,
    history: list[dict[str, Any]],
    device: torch.device,
    weights: str,
) -> dict[str, Any]:
    """How the file `weights` was made; `member` is the member (or the backbone) with its complete recipe."""
    return {
        "member": member,
        "classes": classes,
        "training_images": images,
        "history": history,
        "seconds": sum(line["seconds"] for line in history),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "checksums": checksums(weights=weights),
    }
