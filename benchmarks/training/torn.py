"""Checkpoints that are torn on purpose: a save killed between its ranks, a file cut in half."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from malmoi.fingerprint import LIBRARY
from malmoi.training import checkpoint
from malmoi.training.plan import Plan
from tools.training_runs import kill

#: Seconds that a run may take to come to its second save.
PATIENCE = 600

#: Runs as every rank: the second one's files of its second save and later ones come too late.
_DELAYED = """
import os, sys, time
from malmoi.training import __main__, state
written, save_file = [], state.save_file
def save_late(tensors, path):
    written.append(path)
    if os.environ["RANK"] == "1" and len(written) > 1:
        time.sleep(3600)
    save_file(tensors, path)
state.save_file = save_late
sys.exit(__main__.main(sys.argv[1:]))
"""


def kill_in_save(plan: Plan, reference: Plan) -> None:
    """Begin a plan and SIGKILL all its processes when one of two ranks has written its part of a save."""
    root = Path(plan.checkpoints)
    root.mkdir(parents=True)
    plan.save(root / "plan.json")
    script = root.parent / "delayed.py"
    script.write_text(_DELAYED, encoding="utf-8")
    environment = {
        **os.environ,
        **{"PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node=2", str(script), str(root / "plan.json")),
        ],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    limit = time.monotonic() + PATIENCE
    while not (found := _half_written(root)) and time.monotonic() < limit:
        if process.poll() is not None:
            raise RuntimeError(process.communicate()[1])
        time.sleep(0.01)
    kill(process)
    if not found:
        raise RuntimeError("the run did not come to its second save")
    assert _half_written(root), "the save was not torn"
    assert checkpoint.complete_names(root) == [checkpoint.name_of(0)]


def _half_written(root: Path) -> bool:
    """Return whether the first rank has written all of its part of a later save, and the second nothing."""
    for folder in root.glob("step-*.partial"):
        if folder.name == checkpoint.partial_name(0):
            continue
        first, second = (folder / f"state-{rank:05d}.safetensors" for rank in range(2))
        zero = root / checkpoint.name_of(0) / first.name
        if first.exists() and first.stat().st_size == zero.stat().st_size:
            return not second.exists()
    return False


def cut_newest(plan: Plan, reference: Plan) -> None:
    """Give a plan the checkpoints of a finished run, the newest one's second file cut in half."""
    root = Path(plan.checkpoints)
    shutil.copytree(reference.checkpoints, root)
    file = root / checkpoint.complete_names(root)[-1] / "state-00001.safetensors"
    os.truncate(file, file.stat().st_size // 2)
