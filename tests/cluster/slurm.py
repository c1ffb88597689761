"""A real SLURM of two nodes on this one host, for tests: started, used, stopped."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

CONFIGURATION = Path("/etc/slurm/slurm.conf")  # jobs do not inherit SLURM_CONF, so it must lie here
ACCOUNTING_CONFIGURATION = CONFIGURATION.with_name("slurmdbd.conf")
ACCOUNTING_PROGRAMS = ["slurmdbd", "mariadbd", "mariadb-install-db", "sacct", "sacctmgr"]
DATABASE_PORT = 17003
ACCOUNT = "science"
PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol"]
NODES = {"n1": 17001, "n2": 17002}
PATIENCE = 60

TEMPLATE = """# Left by make test-slurm
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
{accounting}
SlurmctldTimeout=10
SlurmdTimeout=15
KillWait=5
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
{nodes}
PartitionName=all Nodes={names} Default=YES MaxTime=INFINITE State=UP
"""

NO_ACCOUNTING = """AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none"""
ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1"""
ACCOUNTING_TEMPLATE = """# Left by make test-slurm
AuthType=auth/munge
DbdHost=localhost
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={port}
StorageUser=slurm
StoragePass=slurm
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
"""


def missing() -> str | None:
    """What this machine lacks for a SLURM of its own, in words, or None."""
    if os.geteuid() != 0:
        return "root, to start SLURM's daemons"
    if absent := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"{', '.join(absent)}: apt-get install slurm-wlm munge"
    for path in (CONFIGURATION, ACCOUNTING_CONFIGURATION):
        if path.exists() and not _is_left_behind(path):
            return f"a machine that is not part of a cluster ({path} exists)"
    return None


def missing_for_accounting() -> str | None:
    """What else this machine lacks for accounting, in words, or None."""
    if absent := [program for program in ACCOUNTING_PROGRAMS if not shutil.which(program)]:
        return f"{', '.join(absent)}: apt-get install slurmdbd mariadb-server"
    return None


def _is_left_behind(path: Path) -> bool:
    """Whether tests that were killed left the configuration: their daemons ended with them."""
    ours = path.read_text(encoding="utf-8").startswith(TEMPLATE.splitlines()[0])
    return ours and not any(process.name() == "slurmctld" for process in psutil.process_iter())


def command(*words: str) -> str:
    """Standard output of a program."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def wait_until(ready: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Look every fifth of a second until `ready()`; raises TimeoutError naming `what`."""
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {patience} s")
        time.sleep(0.2)


@dataclass
class Cluster:
    """One controller and two node daemons, whose files lie below `folder`; `stop` ends what `start` started.

    Where the programs for it are installed, it keeps accounts of jobs in a database, as most clusters do.
    """

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    database: Path | None = None

    def start(self) -> None:
        """Start munge, the controller and the nodes, and wait until jobs can run."""
        (self.folder / "state").mkdir()
        self._write_configuration()
        self._start_munge()
        if not missing_for_accounting():
            self._start_accounting()
        self._run("slurmctld", "slurmctld", "-D")
        for name in NODES:
            self.start_node(name)
        wait_until(lambda: command("sinfo", "-h", "-o", "%D %t").split() == ["2", "idle"], "two idle nodes")

    def start_node(self, name: str) -> None:
        """Start a node's daemon."""
        self._run(name, "slurmd", "-D", "-N", name)

    def kill_node(self, name: str) -> None:
        """Kill a node's daemon as a crash would; its jobs stay behind as orphans."""
        self.daemons.pop(name).kill()

    def stop(self) -> None:
        """Cancel all jobs, end the daemons and remove the configuration."""
        if "slurmctld" in self.daemons:
            subprocess.run(["scancel", "--full", "--user", "root"], capture_output=True)
            time.sleep(2)
        for daemon in reversed(self.daemons.values()):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons.values():
            daemon.wait(PATIENCE)
        CONFIGURATION.unlink(missing_ok=True)
        if self.database:
            ACCOUNTING_CONFIGURATION.unlink(missing_ok=True)
            shutil.rmtree(self.database)

    def _write_configuration(self) -> None:
        host = socket.gethostname()
        line = f"NodeName={{}} NodeHostname={host} NodeAddr=127.0.0.1 Port={{}} CPUs=2 RealMemory=16000"
        nodes = "\n".join(line.format(name, port) for name, port in NODES.items())
        CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
        content = TEMPLATE.format(
            host=host,
            folder=self.folder,
            nodes=nodes,
            names=",".join(NODES),
            accounting=NO_ACCOUNTING if missing_for_accounting() else ACCOUNTING,
        )
        CONFIGURATION.write_text(content, encoding="utf-8")

    def _start_munge(self) -> None:
        """Its own daemon, with a key of its own, unless one runs on this machine."""
        if subprocess.run(["munge", "-n"], capture_output=True).returncode == 0:
            return
        key = Path("/etc/munge/munge.key")
        if not key.exists():
            key.write_bytes(os.urandom(1024))
            shutil.chown(key, "munge", "munge")
            key.chmod(0o400)
        place = Path("/run/munge")
        place.mkdir(exist_ok=True)
        shutil.chown(place, "munge", "munge")
        self._run("munged", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--foreground")
        wait_until(lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0, "munge")

    def _start_accounting(self) -> None:
        """A database of its own, SLURM's daemon in front of it, and an account for root."""
        # The user mysql cannot enter pytest's folders.
        self.database = database = Path(tempfile.mkdtemp(prefix="slurm-database-"))
        shutil.chown(database, "mysql", "mysql")
        place = ["--no-defaults", f"--datadir={database}"]
        normal = ["--user=mysql", "--skip-test-db", "--auth-root-authentication-method=normal"]
        command("mariadb-install-db", *place, *normal)
        socket_file = f"--socket={database}/socket"
        server = ["mariadbd", *place, socket_file, "--bind-address=127.0.0.1", f"--port={DATABASE_PORT}"]
        # The option --user of the server itself would undo what ends it with the tests.
        self._run("mariadbd", "--reuid=mysql", "--regid=mysql", "--clear-groups", *server)
        client = ["mariadb", "--no-defaults", "--user=root", socket_file, "--execute"]
        wait_until(lambda: subprocess.run([*client, "SELECT 1"], capture_output=True).returncode == 0, "MariaDB")
        command(*client, "GRANT ALL ON *.* TO slurm@'127.0.0.1' IDENTIFIED BY 'slurm'")
        ACCOUNTING_CONFIGURATION.write_text(
            ACCOUNTING_TEMPLATE.format(port=DATABASE_PORT, folder=self.folder), encoding="utf-8"
        )
        ACCOUNTING_CONFIGURATION.chmod(0o600)
        self._run("slurmdbd", "slurmdbd", "-D")
        add = ["sacctmgr", "--immediate", "add"]
        wait_until(lambda: subprocess.run([*add, "cluster", "test"], capture_output=True).returncode == 0, "slurmdbd")
        command(*add, "account", ACCOUNT, "Cluster=test")
        command(*add, "user", "root", f"Account={ACCOUNT}")

    def _run(self, name: str, *words: str) -> None:
        """Start a daemon that ends with the tests, even if these are killed."""
        output = (self.folder / f"{name}.out").open("wb")
        tied = ["setpriv", "--pdeathsig", "TERM", *words]
        self.daemons[name] = subprocess.Popen(tied, stdout=output, stderr=output, start_new_session=True)


def trial() -> str | None:
    """Start a cluster, run a job and stop it; why this does not work here, or None."""
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            command("srun", "--time", "1", "true")
        except (TimeoutError, OSError, subprocess.CalledProcessError) as error:
            return f"a SLURM that starts and runs a job, which fails here ({error})"
        finally:
            cluster.stop()
    return None


if __name__ == "__main__":
    if lacking := missing() or trial():
        sys.exit(f"make test-slurm needs {lacking}.")
