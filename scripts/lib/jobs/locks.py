"""Remove the lock that a killed Snakemake left behind: `python -m scripts.lib.jobs.locks`.

Snakemake locks its folder while it runs, and a lock outlives a process that was killed or a machine that went down.
A lock is stale if no Snakemake process runs in this folder.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

LOCKS = Path(".snakemake/locks")


def running_here() -> list[int]:
    """Ids of the Snakemake processes whose working directory is the current one."""
    here = Path.cwd()
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        command, folder = process.info["cmdline"] or [], process.info["cwd"]
        if folder and Path(folder) == here and any(Path(word).name == "snakemake" for word in command[:3]):
            found.append(process.info["pid"])
    return found


def main(arguments: Sequence[str] = ()) -> int:
    """Unlock this folder if its lock is stale; returns the exit status. `arguments` are passed to Snakemake."""
    if processes := running_here():
        print(f"Snakemake is running in {Path.cwd()} already (process {processes[0]}): wait for it or stop it.")
        return 1
    if LOCKS.is_dir() and any(LOCKS.iterdir()):
        print("The last run was killed: removing its lock and continuing from where it stopped.")
        return subprocess.run(["snakemake", "--unlock", "--quiet", "all", *arguments]).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
