"""Kill a workflow with all its processes at random moments, start it again, and compare what it leaves."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from tools.training_runs import TIMED as TIMED_COLUMNS
from tools.workflow_copy import SMALL, WorkflowCopy, changed

#: Folders of results that tell of runs, not of what came out: times, attempts, states to go on from.
OF_RUNS = ("logs", "benchmarks", "cache", "checkpoints")

_FINISHED = re.compile(r"^Finished jobid: (\d+) ", re.MULTILINE)

#: A small workflow whose two ranks train long enough to be stopped on the way.
CONFIG: dict[str, Any] = changed(SMALL, "pretrain.phases[0].steps", 400)
CONFIG["pretrain"]["runtime"] = {
    **{"ranks": 2, "log_every": 20, "held_out_every": 100, "checkpoint_every": 25},
}

#: Results that tell times, and what is made of them.
TIMED = (
    *("training/demo/", "package/demo/", "published/"),
    *("benchmarks.csv", "report/benchmarks.html"),
)


def new_copy(folder: Path) -> WorkflowCopy:
    """Return a copy of the workflow with documents and with ``CONFIG``."""
    workflow = WorkflowCopy(folder)
    workflow.generate(megabytes=0.6)
    workflow.configure(CONFIG)
    return workflow


def kill_again_and_again(
    workflow: WorkflowCopy, kills: int, draw: random.Random, cores: int = 2
) -> list[set[str]]:
    """Run a workflow, kill all its processes at a random moment, start it with the same command, and so on.

    Stops after ``kills`` or when a run ends. A run has its own time to come up, then, as drawn, up to ten
    seconds, or until one or two jobs are done and up to two seconds more: so kills hit long jobs anywhere,
    and get through all stages on a slow machine too.

    Returns:
        The rules that were running at each kill.

    Raises:
        RuntimeError: a run ended otherwise than by finishing.
    """
    hit: list[set[str]] = []
    while len(hit) < kills:
        log = workflow.folder / "run.log"
        with log.open("w", encoding="utf-8") as file:
            run = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--cores", str(cores)],
                cwd=workflow.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        while run.poll() is None and "Select jobs to execute" not in log.read_text("utf-8"):
            time.sleep(0.05)
        jobs = draw.choice((0, 0, 1, 2))
        while run.poll() is None and len(_FINISHED.findall(log.read_text("utf-8"))) < jobs:
            time.sleep(0.05)
        limit = time.monotonic() + draw.uniform(0, 2 if jobs else 10)
        while run.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        if run.poll() is None:
            kill_all(workflow.folder)
            run.wait()
            hit.append(running(log.read_text("utf-8")))
        elif run.returncode:
            raise RuntimeError(log.read_text("utf-8")[-4000:])
        else:
            return hit
    return hit


def kill_all(folder: Path) -> None:
    """SIGKILL every process that works in a folder, also those that are just being started."""
    while found := [process for process in psutil.process_iter() if _works_in(process, folder)]:
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=60)


def running(log: str) -> set[str]:
    """Return the rules of the jobs that Snakemake's messages say are not done."""
    started = re.findall(
        r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    jobid: (\d+)$", log, re.MULTILINE
    )
    done = set(_FINISHED.findall(log))
    return {rule for rule, job in started if job not in done}


def digests(results: Path) -> dict[str, str]:
    """Return the sha256 of every file of results by its name, but for those that tell of runs."""
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in OF_RUNS
    }


def differences(one: dict[str, str], other: dict[str, str]) -> set[str]:
    """Return the names of files that only one has, or that differ."""
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def assert_same_results(one: Path, other: Path, whole: bool = True) -> None:
    """Check that results differ in nothing but times; where they are ``whole``, that none is missing."""
    ours, expected = digests(one), digests(other)
    if not whole:
        expected = {name: digest for name, digest in expected.items() if name in ours}
    found = differences(ours, expected)
    assert {name for name in found if not name.startswith(TIMED)} == set()
    assert (one / "model/demo/model.safetensors").is_file()
    for name in ("log", "held_out"):
        first, second = (curves(each, name) for each in (one, other))
        pd.testing.assert_frame_equal(first, second, check_exact=True)


def curves(results: Path, name: str) -> pd.DataFrame:
    """Return a table of the training, ``log`` or ``held_out``, without what tells times."""
    table = pd.read_parquet(results / f"training/demo/{name}.parquet")
    return table[[column for column in table if column not in TIMED_COLUMNS]]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder)
    except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
        return False
