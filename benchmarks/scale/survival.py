"""A workflow that is killed again and again, beside undisturbed ones."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tools.killed_workflow import CONFIG, differences, digests, kill_again_and_again, new_copy
from tools.workflow_copy import WorkflowCopy

#: Kills over all workflows; one that ends before is followed by another.
KILLS = 30
SEED = 20


def measure(data: Path, work: Path) -> dict[str, float]:
    """SIGKILL all processes of small workflows at random moments, start again, and compare results.

    ``kills`` counts the kills, ``kill_rules`` the rules they hit. Files in which two undisturbed runs differ
    tell times (``kill_timed_files``); ``kill_byte_differences`` counts all others that differ from an
    undisturbed run's after the kills. ``data`` is not used.
    """
    folder = work / "survival"
    shutil.rmtree(folder, ignore_errors=True)
    one, other = (digests(_whole(folder / name)) for name in ("one", "other"))
    timed = differences(one, other)
    draw = random.Random(SEED)
    kills, hit, differing = 0, set(), set()
    for number in range(KILLS):
        if kills >= KILLS:
            break
        workflow = _workflow(folder / f"killed{number}")
        moments = kill_again_and_again(workflow, KILLS - kills, draw)
        kills += len(moments)
        hit |= set().union(*moments)
        results = _finish(workflow)
        differing |= differences(digests(results), one) - timed
        print(number, kills, sorted(hit), sorted(differing), flush=True)
    return {
        "kills": kills,
        "kill_rules": len(hit),
        "kill_timed_files": len(timed),
        "kill_byte_differences": len(differing),
    }


def _workflow(folder: Path) -> WorkflowCopy:
    folder.mkdir(parents=True)
    return new_copy(folder)


def _whole(folder: Path) -> Path:
    return _finish(_workflow(folder))


def _finish(workflow: WorkflowCopy) -> Path:
    run = workflow.snakemake("--cores", "2", config=CONFIG)
    if run.returncode:
        raise RuntimeError(run.stderr[-4000:])
    return workflow.folder / "results"
