"""A real Slurm of two nodes on this machine, with the packages ``slurm-wlm`` and ``munge`` of Debian."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

_PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "unshare")

_CONF = """
ClusterName=malmoi
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={root}/munge.socket,cred_expire=5
SlurmctldPort={ports[0]}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
MpiDefault=none
ReturnToService=2
SwitchType=switch/none
InactiveLimit=0
KillWait=30
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=64000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=64000
PartitionName=debug Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Return why no Slurm can be started here, None where it can."""
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"no {', '.join(absent)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "only root can start Slurm's daemons and mount its configuration"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "mounts are not allowed here, and Slurm's jobs look for /etc/slurm"
    return None


class SlurmCluster:
    """Two nodes of four CPUs each, which need not exist; ``close`` ends them with all their jobs.

    Daemons and jobs see the configuration as ``/etc/slurm``, since Snakemake's jobs lose ``SLURM_CONF``, and
    know the nodes' names. ``environment`` is for whoever submits.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("state", "spool/n1", "spool/n2", "etc"):
            (root / name).mkdir(parents=True)
        conf = root / "etc" / "slurm.conf"
        host = socket.gethostname().partition(".")[0]
        conf.write_text(_CONF.format(root=root, host=host, ports=_free_ports(3)))
        key = root / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        hosts = root / "hosts"
        hosts.write_text(Path("/etc/hosts").read_text() + f"\n127.0.0.1 n1 n2 {host}\n")
        self.environment = {**os.environ, "SLURM_CONF": str(conf)}
        self._inside = [
            *("unshare", "--mount", "sh", "-e", "-c"),
            f"mkdir -p /etc/slurm; mount --bind {root}/etc /etc/slurm; mount --bind {hosts} /etc/hosts;"
            'exec "$@"',
            "sh",
        ]
        self._daemons: list[subprocess.Popen[bytes]] = []
        try:
            self._begin(key, conf)
        except RuntimeError:
            self.close()
            raise

    def _begin(self, key: Path, conf: Path) -> None:
        root = self.root
        self._start(
            *("munged", "--foreground", "--force", f"--key-file={key}"),
            *(f"--socket={root}/munge.socket", f"--log-file={root}/munged.log"),
            *(f"--pid-file={root}/munged.pid", f"--seed-file={root}/munged.seed"),
        )
        _wait(lambda: (root / "munge.socket").exists())
        self._start("slurmctld", "-D", "-f", str(conf))
        for node in ("n1", "n2"):
            self._start("slurmd", "-D", "-f", str(conf), "-N", node)
        _wait(lambda: self.run("sinfo", "--noheader", "--format=%t %D").strip() == "idle 2")

    def run(self, *command: str) -> str:
        """Return what one of Slurm's programs prints, nothing where it fails."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def jobs(self) -> dict[str, str]:
        """Return the jobs that run now: number -> comment, in which Snakemake names the rule."""
        lines = self.run("squeue", "--noheader", "--states=R", "--format=%A|%k").splitlines()
        return dict(line.split("|", 1) for line in lines)

    def close(self) -> None:
        """Cancel all jobs and end the daemons."""
        self.run("scancel", "--user=root", "--signal=KILL")
        self.run("scancel", "--user=root")
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def _start(self, *command: str) -> None:
        with (self.root / f"{command[0]}.out").open("ab") as log:
            daemon = subprocess.Popen(
                [*self._inside, *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._daemons.append(daemon)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait(condition, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError("Slurm did not start; see its logs")
        time.sleep(0.2)
