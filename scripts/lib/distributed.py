"""Several processes for one training job, one for each GPU that the job was given (torch's DistributedDataParallel)."""

import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from scripts.lib.errors import StudyError
from scripts.lib.job import log
from scripts.lib.paths import ROOT
from scripts.lib.storage import load_json, save_json


def world() -> int:
    """Number of processes of this training; 1 where it was not started by `launch`."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """This process among them; process 0 writes and reports."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def total(values: list[float], device: torch.device) -> list[float]:
    """The sums of `values` over all processes."""
    if world() == 1:
        return values
    sums = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(sums)
    return sums.tolist()


def parallel(model: nn.Module, device: torch.device) -> nn.Module:
    """`model` with gradients averaged over the processes; the model itself where there is one process."""
    if world() == 1 or not any(parameter.requires_grad for parameter in model.parameters()):
        return model
    return nn.parallel.DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)


def with_shared_batch_norm(model: nn.Module, device: torch.device) -> nn.Module:
    """Batch norm over the whole batch, not over a process's share of it (torch has this for CUDA only)."""
    if world() == 1 or device.type != "cuda":
        return model
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


def start(function: str, arguments: dict[str, Any], device: str, processes: int) -> None:
    """Call `function` ("module:name") with `arguments`, which JSON must be able to hold, in so many processes.

    One process is this one. Raises StudyError if the function does so in any of them, and RuntimeError if a process
    fails for another reason.
    """
    if processes == 1:
        _resolved(function)(**arguments)
        return
    with tempfile.TemporaryDirectory() as scratch:
        order, refusal = Path(scratch, "order.json"), Path(scratch, "refusal.json")
        save_json(order, {"function": function, "arguments": arguments, "device": device, "refusal": str(refusal)})
        program = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [*program, "-m", "scripts.lib.distributed", str(order)]
        process = subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith(REPORTED):
                log.info("%s", line.removeprefix(REPORTED).rstrip())
        status = process.wait()
        if refusal.exists():
            raise StudyError(load_json(refusal))
        if status:
            raise RuntimeError(f"a process of the training failed:\n{''.join(lines[-40:])}")


REPORTED = "reported: "  # what process 0 logs, among what torch and others print


def _resolved(function: str) -> Any:
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)


@contextmanager
def _group(device: str) -> Iterator[None]:
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def main(order_file: str) -> int:
    """One of the processes that `start` starts."""
    order = json.loads(Path(order_file).read_text(encoding="utf-8"))
    with _group(order["device"]):
        logging.basicConfig(level=logging.WARNING, format=f"{REPORTED}%(message)s", stream=sys.stdout)
        log.setLevel(logging.INFO if rank() == 0 else logging.ERROR)
        try:
            _resolved(order["function"])(**order["arguments"])
        except StudyError as error:
            save_json(order["refusal"], str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
