"""Several processes for one training job, one per GPU of the job (torch's DistributedDataParallel)."""

import importlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import distributed, nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import load_json, save_json


def world() -> int:
    """Number of processes of this training; 1 if it was not started by `start`."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0; process 0 writes files and reports."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def total(values: list[float], device: torch.device) -> list[float]:
    """The sums of `values` over all processes."""
    if world() == 1:
        return values
    sums = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(sums)
    return sums.tolist()


def parallel(model: nn.Module, device: torch.device) -> nn.Module:
    """`model` with gradients averaged over the processes; the model itself if there is only one process."""
    if world() == 1 or not any(parameter.requires_grad for parameter in model.parameters()):
        return model
    return nn.parallel.DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)


def with_shared_batch_norm(model: nn.Module, device: torch.device) -> nn.Module:
    """Batch norm over the whole batch, not over a process's share of it (torch has this for CUDA only)."""
    if world() == 1 or device.type != "cuda":
        return model
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


REPORTED = b"reported: "  # prefix of the lines that process 0 logs; torch and other libraries print lines without it
LINES_SHOWN = 60
SECONDS_BETWEEN_LOOKS = 0.05


def start(function: Callable[..., None], arguments: dict[str, Any], device: str, processes: int) -> None:
    """Call the module-level `function` with `arguments`, which must be valid as JSON, in `processes` processes.

    A single process is the current one. If one of several fails, the others are stopped. Raises StudyError if the
    failed process raised one, otherwise RuntimeError with the last lines that it printed.
    """
    if processes == 1:
        function(**arguments)
        return
    # The processes find each other through a store in this process, which starts before the first of them and ends
    # after the last. The system chooses its port, so that simultaneous trainings never use the same one.
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    with tempfile.TemporaryDirectory() as scratch:
        name = f"{function.__module__}:{function.__qualname__}"
        order = {"function": name, "arguments": arguments, "device": device}
        save_json(Path(scratch, "order.json"), order | {"processes": processes, "port": store.port})
        _watch([_Process(Path(scratch), rank) for rank in range(processes)])


class _Process:
    """One of the processes of a training; its output goes to a separate file."""

    def __init__(self, scratch: Path, rank: int) -> None:
        self.rank, self.failure, self.printed = rank, _failure_file(scratch, rank), scratch / f"{rank}.log"
        program = [
            sys.executable,
            "-u",
            "-X",
            "faulthandler",
            "-m",
            "scripts.lib.training.distributed",
            str(scratch),
            str(rank),
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with self.printed.open("wb") as output:
            self.process = subprocess.Popen(
                program, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        self.unread, self.rest = self.printed.open("rb"), b""

    def report(self) -> None:
        """Log what the process reported since the last call."""
        *lines, self.rest = (self.rest + self.unread.read()).split(b"\n")
        for line in lines:
            if line.startswith(REPORTED):
                log.info("%s", line.removeprefix(REPORTED).decode(errors="replace"))

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.unread.close()

    def blame(self) -> tuple[bool, int]:
        """Sort key; the process with the lowest key is taken as the cause of the failure.

        First come processes that raised a StudyError, then those that left no time of failure, then the others by time
        in ns. Consequential exceptions (a closed connection) are raised only after the first failed process has ended.
        """
        if not self.failure.exists():
            return True, 0
        said = load_json(self.failure)
        return said["refusal"] is None, said["time"]

    def error(self, processes: int) -> Exception:
        """What `start` raises if this process failed first."""
        if self.failure.exists() and (refusal := load_json(self.failure)["refusal"]) is not None:
            return StudyError(refusal)
        status = self.process.returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        hint = " (the machine may have run out of memory)" if -status == signal.SIGKILL else ""
        with self.printed.open(encoding="utf-8", errors="replace") as printed:
            lines = deque((line for line in printed if not line.startswith("Extension modules: ")), LINES_SHOWN)
        shown = f"The last lines that it printed:\n{''.join(lines).strip()}" if lines else "It printed nothing."
        return RuntimeError(f"process {self.rank} of {processes} {how}{hint}. {shown}")


def _watch(processes: list[_Process]) -> None:
    """Wait until all have ended or one has failed; raises the same errors as `start`."""
    try:
        while True:
            statuses = [one.process.poll() for one in processes]
            for one in processes:
                one.report()
            if failed := [one for one, status in zip(processes, statuses, strict=True) if status]:
                raise min(failed, key=_Process.blame).error(len(processes))
            if None not in statuses:
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        for one in processes:
            one.stop()


def _failure_file(scratch: Path, rank: int) -> Path:
    return scratch / f"{rank}.json"


def _resolved(function: str) -> Any:
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)


def main(folder: str, number: str) -> NoReturn:
    """The main function of one of the processes that `start` starts.

    It ends without the usual shutdown of the interpreter. Threads of torch continue after destroy_process_group,
    because DistributedDataParallel keeps the group. If one of them frees a tensor of the last exchange while the
    interpreter shuts down, which happens on a busy machine, Python ends that thread and C++ aborts the process.
    """
    scratch, status = Path(folder), 0
    threading.Thread(target=_end_with_starter, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format=f"{REPORTED.decode()}%(message)s", stream=sys.stdout)
    log.setLevel(logging.ERROR if int(number) else logging.INFO)
    try:
        _work(load_json(scratch / "order.json"), int(number))
    except BaseException as error:  # noqa: BLE001 - the process ends here, and not by Python's own handler
        status, refusal = 1, str(error) if isinstance(error, StudyError) else None
        traceback.print_exc()
        save_json(_failure_file(scratch, int(number)), {"time": time.monotonic_ns(), "refusal": refusal})
    finally:
        os._exit(status)


def _work(order: dict[str, Any], number: int) -> None:
    if order["device"] == "cuda":
        torch.cuda.set_device(number)
    store = distributed.TCPStore("127.0.0.1", order["port"], is_master=False)
    backend = "nccl" if order["device"] == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=number, world_size=order["processes"])
    _resolved(order["function"])(**order["arguments"])
    # After a failure the group is kept, so that the other processes notice that this one has ended.
    distributed.destroy_process_group()


def _end_with_starter() -> None:
    """End this process when the one that started it has ended, for any reason: then its end of the pipe is closed."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
