"""Ranks of a pretraining run, forked from one process that has imported everything, with faults put in.

A rank that a launcher starts spends most of a short run on imports. Here they happen once per test session.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest import mock

from malmoi.fingerprint import LIBRARY
from malmoi.training.plan import Plan

#: Processes must not ask how many threads to use, nor look for a GPU, before they are told.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}

_CONTEXT = multiprocessing.get_context("forkserver")


def start_ranks(plan: Plan, fault: str | None = None, *details: object) -> list[ForkServerProcess]:
    """Start the ranks of a plan, each with a fault of ``FAULTS`` where one is given."""
    tests = Path(__file__).parents[1]
    places = {"PYTHONPATH": os.pathsep.join([str(LIBRARY), str(tests)])}
    _CONTEXT.set_forkserver_preload(["malmoi.training.loop", __name__])
    with mock.patch.dict(os.environ, {**_ENVIRONMENT, **places}):
        forkserver.ensure_running()
    path = Path(plan.checkpoints) / "plan.json"
    plan.save(path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = plan.settings["runtime"]["ranks"]
    # The launcher's ninja: by another one DeepSpeed's extension is built anew.
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    processes = []
    for rank in range(ranks):
        environment = {
            **_ENVIRONMENT,
            **{"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)},
            **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PATH": programs},
        }
        process = _CONTEXT.Process(target=_rank, args=(str(path), environment, fault, details))
        process.start()
        processes.append(process)
    return processes


def run_ranks(plan: Plan, fault: str | None = None, *details: object) -> tuple[list[int], str]:
    """Run the ranks of a plan to their end; return their exit statuses and what they wrote as errors."""
    return finish_ranks(plan, start_ranks(plan, fault, *details))


def finish_ranks(plan: Plan, processes: list[ForkServerProcess]) -> tuple[list[int], str]:
    """Wait for the ranks and return their exit statuses and what they wrote as errors."""
    for process in processes:
        process.join(200)
    hanging = [process for process in processes if process.is_alive()]
    kill_ranks(hanging)
    assert not hanging, "ranks did not end"
    return [process.exitcode for process in processes], _errors_path(plan.message_log).read_text()


def kill_ranks(processes: list[ForkServerProcess]) -> None:
    """SIGKILL ranks, all at once, and wait for their end."""
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


def _errors_path(message_log: str) -> Path:
    return Path(message_log).with_suffix(".errors")


def _rank(path: str, environment: dict[str, str], fault: str | None, details: tuple) -> None:
    from malmoi.training import __main__ as entry

    errors = _errors_path(Plan.load(path).message_log)
    errors.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(errors, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    os.dup2(descriptor, 2)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.environ.update(environment)
    if fault is not None:
        FAULTS[fault](*details)
    sys.exit(entry.main([path]))


def _at_step(action: Callable[[], None], step: int) -> None:
    """Call something before the given step, counted from 0, is done."""
    from malmoi.training.loop import Trainer

    original = Trainer._train_step

    def train_step(trainer, feed):
        if trainer.step == step:
            action()
        return original(trainer, feed)

    Trainer._train_step = train_step


def _nan(step: int) -> None:
    """The model's losses are NaN at one step."""
    from malmoi.training.loop import Trainer
    from malmoi.training.model import PretrainingModule

    forward, gradients = PretrainingModule.forward, Trainer._gradients
    steps = []

    def spoiled(module, batch):
        outputs = forward(module, batch)
        if module.training and steps[-1] == step:
            return outputs._replace(mlm_loss=outputs.mlm_loss * float("nan"))
        return outputs

    def remembered(trainer, *arguments):
        steps.append(trainer.step)
        return gradients(trainer, *arguments)

    PretrainingModule.forward, Trainer._gradients = spoiled, remembered


def _slow_save(step: int) -> None:
    """All ranks but the first never come to write their part of one checkpoint."""
    from malmoi.training import state

    save_file = state.save_file

    def delayed(tensors, path):
        if path.parent.name.startswith(f"step-{step:08d}") and os.environ["RANK"] != "0":
            time.sleep(600)
        save_file(tensors, path)

    state.save_file = delayed


def _full_disk(step: int, filler: str) -> None:
    """Something else fills the disk while one checkpoint is written."""
    from malmoi.training.state import RunState

    save = RunState.save

    def filled(state, folder):
        if folder.name.startswith(f"step-{step:08d}"):
            fill(Path(filler))
        return save(state, folder)

    RunState.save = filled


def fill(path: Path) -> None:
    """Write a file until the disk has no room for more of it."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


FAULTS: dict[str, Callable[..., None]] = {
    "asked to stop": lambda step: _at_step(lambda: os.kill(os.getpid(), signal.SIGTERM), step),
    "nan": _nan,
    "slow save": _slow_save,
    "disk filled in save": _full_disk,
    "disk filled": lambda step, filler: _at_step(lambda: fill(Path(filler)), step),
}
