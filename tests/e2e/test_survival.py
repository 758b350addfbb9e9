"""A workflow killed at random moments ends as one that nothing happened to, and keeps a second one out."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tools.killed_workflow import differences, digests, kill_again_and_again, kill_all
from tools.workflow_copy import SMALL, WorkflowCopy

pytestmark = [pytest.mark.workflow, pytest.mark.training, pytest.mark.slow]

#: What tells how long something took, and what is made of it.
TIMED = ("training/demo/", "package/demo/", "published/")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> WorkflowCopy:
    """A workflow that nothing happened to."""
    workflow = copy(tmp_path_factory.mktemp("whole"))
    run = workflow.snakemake("--cores", "2", config=SMALL)
    assert run.returncode == 0, run.stderr[-4000:]
    return workflow


def copy(folder: Path) -> WorkflowCopy:
    workflow = WorkflowCopy(folder)
    workflow.generate(megabytes=0.6)
    workflow.configure(SMALL)
    return workflow


def test_kills_change_no_byte(whole: WorkflowCopy, tmp_path: Path) -> None:
    workflow = copy(tmp_path)
    kills = kill_again_and_again(workflow, 5, random.Random(20))
    assert kills
    run = workflow.snakemake("--cores", "2", config=SMALL)
    assert run.returncode == 0, run.stderr[-4000:]
    expected = digests(whole.folder / "results")
    assert "model/demo/model.safetensors" in expected
    found = differences(digests(tmp_path / "results"), expected)
    assert {name for name in found if not name.startswith(TIMED)} == set()
    curves = [
        json.loads((one.folder / "results/training/demo/summary.json").read_text())
        for one in (workflow, whole)
    ]
    assert curves[0]["final_held_out"] == curves[1]["final_held_out"]


def test_a_second_workflow_in_the_folder_is_refused(tmp_path: Path) -> None:
    workflow = copy(tmp_path)
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    first = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert first.stderr is not None
        for line in first.stderr:
            if line.startswith("Select jobs to execute"):
                break
        second = workflow.snakemake("--cores", "1", config=SMALL)
    finally:
        kill_all(tmp_path)
        first.wait()
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stderr + second.stdout
