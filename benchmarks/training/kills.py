"""Runs on two ranks that are killed again and again, and saves that are torn, beside undisturbed runs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from malmoi.training import checkpoint
from malmoi.training.plan import Plan
from tools.training_runs import curve, finish, held_out, kill, make_data, make_run, start, weights

from benchmarks.training import torn

STAGES = (1, 2, 3)
STEPS, SAVE_EVERY = 120, 5

#: Where a run is killed, in an order drawn for each stage: while it starts, in a step, in a save.
MOMENTS = ("start",) * 3 + ("step",) * 4 + ("save",) * 4

#: Seconds that a run may take to come to the moment, on a machine that does other work too.
PATIENCE = 600


@dataclass
class Counts:
    """What the kills hit: ``saves`` is those that left a save unfinished."""

    kills: int = 0
    starts: int = 0
    steps: int = 0
    saves: int = 0


def measure(data: Path, work: Path) -> dict[str, float]:
    """SIGKILL every process of a run at random moments, start it again each time, and compare its end.

    One run for each of ZeRO 1, 2 and 3. ``kills`` counts the kills of all three, ``kills_in_start`` those
    before the first step, ``kills_in_steps`` those after it, ``kills_in_saves`` those that left a torn save.
    ``kill_curve_differences`` counts values that differ from the undisturbed run's in the logged steps (all
    columns but time), in the held-out figures and in the exported weights (1 where any byte differs).
    ``torn_save_recovered`` counts the runs, of ``torn_save_cases``, that end without a difference after a kill
    inside a save whose second rank had not written yet, or with the newest checkpoint cut in half. ``data``
    is not used.
    """
    folder = work / "kills"
    shutil.rmtree(folder, ignore_errors=True)
    manifest = make_data(folder / "data")
    counts = Counts()
    differing = cases = recovered = 0
    for stage in STAGES:

        def plan(name: str, stage: int = stage) -> Plan:
            return _plan(manifest, folder / f"z{stage}_{name}", stage)

        reference = finish(plan("whole"))
        killed = plan("killed")
        _kill_and_resume(killed, random.Random(stage), counts)
        differing += differences(finish(killed), reference)
        for name, tear in (("delayed", torn.kill_in_save), ("cut", torn.cut_newest)):
            victim = plan(name)
            tear(victim, reference)
            cases += 1
            recovered += not differences(finish(victim), reference)
    return {
        "kills": counts.kills,
        "kills_in_start": counts.starts,
        "kills_in_steps": counts.steps,
        "kills_in_saves": counts.saves,
        "kill_curve_differences": differing,
        "torn_save_cases": cases,
        "torn_save_recovered": recovered,
    }


def _plan(manifest: Path, folder: Path, stage: int) -> Plan:
    return make_run(
        manifest,
        folder,
        steps=STEPS,
        micro_batch_size=4,
        runtime={
            **{"ranks": 2, "zero_stage": stage, "loader_workers": 1},
            # Neither divides the other, so that a resumed run begins within a window of the log.
            **{"checkpoint_every": SAVE_EVERY, "log_every": 4, "held_out_every": 10},
        },
    )


def differences(plan: Plan, reference: Plan) -> int:
    """Return how many values of two finished runs differ."""
    count = int(weights(plan) != weights(reference))
    for table in (curve, held_out):
        ours, theirs = table(plan), table(reference)
        if ours.shape != theirs.shape or list(ours) != list(theirs):
            count += max(ours.size, theirs.size)
        else:
            same = (ours == theirs) | (ours.isna() & theirs.isna())
            count += int((~same).to_numpy().sum())
    return count


def _kill_and_resume(plan: Plan, draw: random.Random, counts: Counts) -> None:
    moments = draw.sample(MOMENTS, len(MOMENTS))
    root = Path(plan.checkpoints)
    usual = 10.0  # seconds until the first step; measured whenever a run comes so far
    for moment in moments:
        before = _log_file(root)
        began = time.monotonic()
        process = start(plan)
        if moment == "start":
            # On a machine that has become faster the first step may come before the moment drawn.
            moment_drawn = began + draw.uniform(0, usual)
            while time.monotonic() < moment_drawn and _log_file(root) == before:
                time.sleep(0.005)
        else:
            first = _wait(process, root, before, 0)
            usual = time.monotonic() - began
            if moment == "step":
                _wait(process, root, before, first + draw.randrange(1, 8))
                time.sleep(draw.uniform(0, 0.3))
            else:
                _wait_for_save(process, root)
                time.sleep(draw.uniform(0, 0.05))
        if process.poll() is not None:
            raise RuntimeError(f"the run ended before it was killed: {process.communicate()[1]}")
        kill(process)
        counts.kills += 1
        counts.saves += bool(list(root.glob("step-*.partial")))
        counts.starts += _log_file(root) == before
        counts.steps += _log_file(root) != before


def _log_file(root: Path) -> int | None:
    """Return what tells the log of one start from that of another, which is written anew."""
    path = root / "log.jsonl"
    return path.stat().st_ino if path.exists() else None


def _wait(process: subprocess.Popen, root: Path, before: int | None, step: int) -> int:
    """Wait until a run that was just started has logged a step, or any; return it."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit and process.poll() is None:
        if _log_file(root) != before:
            lines = (root / "log.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
            done = [json.loads(line)["step"] for line in lines if line.endswith("\n")]
            if done and done[-1] >= step:
                return done[-1]
        time.sleep(0.005)
    raise _never(process, f"step {step}")


def _wait_for_save(process: subprocess.Popen, root: Path) -> None:
    """Wait until a run writes a checkpoint, not that of step 0."""
    limit = time.monotonic() + PATIENCE
    names = checkpoint.complete_names(root)
    while time.monotonic() < limit and process.poll() is None:
        if any(checkpoint.name_of(0) not in path.name for path in root.glob("step-*.partial")):
            return
        if checkpoint.complete_names(root)[-1:] > names[-1:]:
            return  # it was faster than we
        time.sleep(0.001)
    raise _never(process, "a save")


def _never(process: subprocess.Popen, what: str) -> RuntimeError:
    if process.poll() is None:
        kill(process)
    return RuntimeError(f"the run did not come to {what}")
