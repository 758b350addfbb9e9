"""Start the ranks of a run with torchrun and wait for them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from malmoi.errors import InputError
from malmoi.fingerprint import LIBRARY
from malmoi.progress import LOG
from malmoi.training.plan import REFUSAL, Plan

#: A build lock of torch's extensions older than this, and open in no process here, is of a killed build.
#: A build takes a minute on a busy machine; one on another machine that shares the home shows no process.
STALE_LOCK_SECONDS = 180

#: Signals that torchrun hands on to the ranks; its own choice leaves out SIGUSR1, of which it would die.
SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"

#: Seconds that ranks asked to stop have for their step and their checkpoint before torchrun kills them.
STOP_SECONDS = 300


def launch(plan: Plan) -> None:
    """Run a plan to its end on ``plan.settings["runtime"]["ranks"]`` processes of this machine.

    Raises:
        InputError: no C++ compiler, which DeepSpeed needs at every start on CPU; or what the ranks found
            unusable: a checkpoint of other ranks, say.
        RuntimeError: a rank failed; the message names the log.
    """
    environment = rank_environment(plan)
    plan_path = Path(plan.checkpoints) / "plan.json"
    plan.save(plan_path)
    refusal = Path(plan.checkpoints) / REFUSAL
    refusal.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--standalone", f"--nproc-per-node={plan.settings['runtime']['ranks']}"),
        *(f"--signals-to-handle={SIGNALS}", f"--shutdown-timeout={STOP_SECONDS}"),
        *("-m", "malmoi.training", str(plan_path)),
    ]
    LOG.info("starting %d ranks, run %s", plan.settings["runtime"]["ranks"], plan.fingerprint[:16])
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    previous = {
        number: signal.signal(number, lambda received, _: _forward(process, received))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    }
    try:
        status = None
        while status is None:
            try:
                status = process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                _drop_stale_locks(environment)
    finally:
        # Ranks are in sessions of their own and end with torchrun; see malmoi.training.__main__.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for number, handler in previous.items():
            signal.signal(number, handler)
    if status and refusal.is_file():
        raise InputError(refusal.read_text(encoding="utf-8"))
    if status:
        raise RuntimeError(
            f"pretraining ended with status {status}; see {plan.message_log} for the first error. "
            "What was saved is kept: the same command goes on from there"
        )


def rank_environment(plan: Plan) -> dict[str, str]:
    """Return the environment of the ranks, after checking what DeepSpeed needs.

    Raises:
        InputError: there is neither a GPU nor a C++ compiler.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(LIBRARY)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    environment["OMP_NUM_THREADS"] = str(plan.settings["runtime"]["threads_per_rank"])
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
    _drop_stale_locks(environment)
    return environment


def _drop_stale_locks(environment: dict[str, str]) -> None:
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


def _forward(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
