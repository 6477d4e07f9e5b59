"""A Slurm of one node with two pretended GPUs: Debian's packages, started as root without systemd."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")  # snakemake's executor takes SLURM_CONF away, so it has to be the default place
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
GPUS = 2
_MARK = "# written by facedance's tests"


def why_not() -> str | None:
    """Why no cluster can be started here, or None."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"{', '.join(missing)} not installed; on Debian: apt-get install slurmctld slurmd slurm-client munge"
    if os.getuid() != 0:
        return "a Slurm controller is started by root only"
    if CONFIG.exists() and not CONFIG.read_text().startswith(_MARK):
        return f"{CONFIG} belongs to another cluster"
    return None


@contextlib.contextmanager
def cluster(folder: Path, cpus: int, memory_mb: int) -> Iterator[None]:
    """A running cluster, whose state and logs lie in `folder`. The node claims so many CPUs, whatever the machine has."""
    folder.mkdir()
    for number in range(GPUS):
        os.mknod(folder / f"gpu{number}", 0o20666, os.makedev(1, 3))  # Slurm wants character devices
    CONFIG.write_text(_slurm_conf(folder, cpus, memory_mb))
    CONFIG.with_name("gres.conf").write_text(f"NodeName=node1 Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n")
    for place in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
        Path(place).mkdir(exist_ok=True)
        shutil.chown(place, "munge", "munge")
    with contextlib.ExitStack() as stack:
        stack.callback(CONFIG.unlink)
        stack.callback(CONFIG.with_name("gres.conf").unlink)
        for command in (["munged", "--foreground"], ["slurmctld", "-D"], ["slurmd", "-D", "-N", "node1"]):
            stack.enter_context(_daemon(command, folder, user="munge" if command[0] == "munged" else "root"))
        _wait_until_idle(folder)
        yield


@contextlib.contextmanager
def _daemon(command: list[str], folder: Path, user: str) -> Iterator[None]:
    with open(folder / f"{command[0]}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, user=user)
    try:
        if command[0] == "munged":
            time.sleep(0.5)  # the others speak through it at once
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_idle(folder: Path) -> None:
    for _ in range(1200):
        done = subprocess.run(["sinfo", "--noheader", "--format", "%T"], capture_output=True, text=True, check=False)
        if done.stdout.split() == ["idle"]:
            return
        time.sleep(0.5)
    logs = "\n".join(f"{log.name}: {log.read_text()[-800:]}" for log in folder.glob("*.log"))
    raise RuntimeError(f"the cluster did not start: {done.stdout} {done.stderr}\n{logs}")


def _slurm_conf(folder: Path, cpus: int, memory_mb: int) -> str:
    return f"""{_MARK}
ClusterName=test
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
# Memory is watched, once a second, and a job that has more than it asked for is stopped.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# The node may claim more than there is.
SlurmdParameters=config_overrides
ReturnToService=2
# Finished jobs can be asked about for as long as a test takes.
MinJobAge=3600
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=1
GresTypes=gpu
NodeName=node1 NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:{GPUS}
PartitionName=main Nodes=node1 Default=YES MaxTime=INFINITE State=UP
"""
