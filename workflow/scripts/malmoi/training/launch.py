"""Start the ranks of a run with torchrun, on one machine or under Slurm, and wait for them."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from malmoi.errors import InputError
from malmoi.fingerprint import LIBRARY
from malmoi.progress import LOG
from malmoi.training.plan import REFUSAL, Plan
from malmoi.training.processes import end_with_parent
from malmoi.training.runs import with_checkpoints

#: A build lock of torch's extensions older than this, and open in no process here, is of a killed build.
#: A build takes a minute on a busy machine; one on another machine that shares the home shows no process.
STALE_LOCK_SECONDS = 180

#: Signals that torchrun hands on to the ranks; its own choice leaves out SIGUSR1, of which it would die.
SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"

#: Seconds that ranks asked to stop have for their step and their checkpoint before torchrun kills them.
STOP_SECONDS = 300

#: Ports of runs on several nodes: the first one, and how many there are to choose from by the job's number.
_FIRST_PORT, _PORTS = 20_000, 20_000


def launch(plan: Plan) -> None:
    """Run a plan to its end on its ranks, on this machine or on the nodes of the Slurm job around it.

    It goes on from the newest checkpoint; ``malmoi.training.runs`` says in which folder. Asked to stop by
    SIGTERM, SIGUSR1 or SIGINT, it lets the ranks save their state first. Ranks end with this process, however
    it ends.

    Raises:
        InputError: no C++ compiler, which DeepSpeed needs at every start on CPU; no Slurm job of enough
            nodes; or what the ranks found unusable: a disk without room, say.
        RuntimeError: a rank failed, or the run was asked to stop; the message names the log.
    """
    environment = rank_environment(plan)
    plan = with_checkpoints(plan)
    plan_path = Path(plan.checkpoints) / "plan.json"
    nodes = plan.settings["runtime"]["nodes"]
    command = _command(plan, plan_path) if nodes == 1 else _slurm_command(plan, plan_path)
    plan.save(plan_path)
    refusal = Path(plan.checkpoints) / REFUSAL
    refusal.unlink(missing_ok=True)
    LOG.info(
        "starting %d ranks on %d nodes, run %s",
        *(plan.settings["runtime"]["ranks"], nodes, plan.fingerprint[:16]),
    )
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=functools.partial(end_with_parent, os.getpid()),
    )
    # At SIGTERM srun kills the ranks at once; SIGUSR1 it hands on.
    stop = signal.SIGTERM if nodes == 1 else signal.SIGUSR1
    previous = {
        number: signal.signal(number, lambda *_: process.send_signal(stop))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    }
    try:
        status = None
        while status is None:
            try:
                status = process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                drop_stale_locks(environment)
    finally:
        # Ranks are in sessions of their own and end with torchrun; see malmoi.training.__main__.
        process.kill()
        for number, handler in previous.items():
            signal.signal(number, handler)
    if status and refusal.is_file():
        raise InputError(refusal.read_text(encoding="utf-8"))
    if status:
        taken = ""
        if nodes > 1:
            port = _port(os.environ["SLURM_JOB_ID"])
            taken = f" Where ranks found port {port} in use, set MASTER_PORT to another."
        raise RuntimeError(
            f"pretraining ended with status {status}; see {plan.message_log} for the first error.{taken} "
            "What was saved is kept: the same command goes on from there"
        )


def _command(plan: Plan, plan_path: Path) -> list[str]:
    """Return the command of all ranks on this machine."""
    torchrun = (sys.executable, "-m", "torch.distributed.run")
    return [*torchrun, "--standalone", *_arguments(plan, plan_path)]


def _arguments(plan: Plan, plan_path: Path) -> list[str]:
    """Return what torchrun is told on every node."""
    runtime = plan.settings["runtime"]
    return [
        f"--nproc-per-node={runtime['ranks'] // runtime['nodes']}",
        *(f"--signals-to-handle={SIGNALS}", f"--shutdown-timeout={STOP_SECONDS}"),
        *("-m", "malmoi.training", str(plan_path)),
    ]


def _slurm_command(plan: Plan, plan_path: Path) -> list[str]:
    """Return the command of all ranks on the nodes of a Slurm job: one torchrun on each.

    Raises:
        InputError: this process is in no Slurm job, or in one of fewer nodes.
    """
    runtime = plan.settings["runtime"]
    nodes, job = runtime["nodes"], os.environ.get("SLURM_JOB_ID")
    need = (
        f"pretrain.runtime.nodes is {nodes}, which needs a Slurm job of {nodes} nodes (sbatch "
        f"--nodes={nodes} --ntasks-per-node=1); "
    )
    if job is None or shutil.which("srun") is None:
        raise InputError(
            f"{need}this process is in none (SLURM_JOB_ID is not set, or there is no srun). Start it in such "
            "a job, or set pretrain.runtime.nodes to 1"
        )
    # Asked for, since Snakemake's jobs see none of Slurm's variables but the job's number.
    count, names = _output("squeue", "--noheader", f"--jobs={job}", "--format=%D %N").split()
    if int(count) < nodes:
        raise InputError(f"{need}job {job} has {count}. Ask for more, or lower the setting")
    address = os.environ.get("MASTER_ADDR")
    if address is None:
        address = _output("scontrol", "show", "hostnames", names).split()[0]
    port = _port(job)
    ranks = runtime["ranks"] // nodes
    needed = ranks * (runtime["threads_per_rank"] + runtime["loader_workers"])
    return [
        *("srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"),
        # A step gets one CPU unless told otherwise, and none that the step around it has.
        f"--cpus-per-task={os.environ.get('SLURM_CPUS_ON_NODE', needed)}",
        *("--overlap", "--kill-on-bad-exit=1"),
        # Only on its node does a task know its number.
        *("sh", "-c", 'exec "$0" -m torch.distributed.run --node-rank="$SLURM_NODEID" "$@"'),
        *(sys.executable, f"--nnodes={nodes}", f"--master-addr={address}", f"--master-port={port}"),
        *_arguments(plan, plan_path),
    ]


def _port(job: str) -> str:
    """Return the port at which the ranks of a Slurm job meet: jobs on one node take different ones."""
    return os.environ.get("MASTER_PORT") or str(_FIRST_PORT + int(job) % _PORTS)


def _output(*command: str) -> str:
    """Return what one of Slurm's programs prints.

    Raises:
        InputError: it is not there or fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or error
        raise InputError(f"{' '.join(command)} failed in this Slurm job: {told}") from error
    return done.stdout


def rank_environment(plan: Plan) -> dict[str, str]:
    """Return the environment of the ranks, after checking what DeepSpeed needs.

    Raises:
        InputError: there is neither a GPU nor a C++ compiler.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(LIBRARY)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    # Both, since Snakemake sets both to the threads of the job, and with other threads sums have another order.
    for library in ("OMP", "MKL"):
        environment[f"{library}_NUM_THREADS"] = str(plan.settings["runtime"]["threads_per_rank"])
    environment.setdefault("TOKENIZERS_PARALLELISM", "false")
    environment["PYTHONWARNINGS"] = "ignore::FutureWarning"
    if not shutil.which("nvidia-smi"):
        environment["DS_ACCELERATOR"] = "cpu"
        compiler = environment.get("CXX", "c++")
        if shutil.which(compiler) is None:
            raise InputError(
                f"no C++ compiler ({compiler}): DeepSpeed builds a small extension at its first start on "
                "CPU; install one (Debian and Ubuntu: apt-get install g++) or set CXX"
            )
    drop_stale_locks(environment)
    return environment


def drop_stale_locks(environment: Mapping[str, str]) -> None:
    """Remove locks of extension builds that were killed: the next start would wait for them for ever."""
    default = Path.home() / ".cache" / "torch_extensions"
    for lock in Path(environment.get("TORCH_EXTENSIONS_DIR", default)).glob("**/lock"):
        with contextlib.suppress(OSError):
            if time.time() - lock.stat().st_mtime > STALE_LOCK_SECONDS and not _is_open(lock):
                lock.unlink()
                LOG.warning("removed %s, left behind by a build that was killed", lock)


def _is_open(path: Path) -> bool:
    """Return whether a process of this machine has the file open, as a running build has its lock."""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if descriptor.samefile(path):
                return True
    return False
