"""A workflow killed at random moments ends as one that nothing happened to, and keeps a second one out."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from tools.killed_workflow import CONFIG, assert_same_results, kill_again_and_again, kill_all
from tools.workflow_copy import WorkflowCopy

pytestmark = [pytest.mark.workflow, pytest.mark.training, pytest.mark.slow]


def test_kills_change_no_byte(undisturbed: WorkflowCopy, small_workflow: WorkflowCopy) -> None:
    assert kill_again_and_again(small_workflow, 3, random.Random(20))
    run = small_workflow.snakemake("--cores", "2", config=CONFIG)
    assert run.returncode == 0, run.stderr[-4000:]
    assert_same_results(small_workflow.folder / "results", undisturbed.folder / "results")


def test_a_second_workflow_in_the_folder_is_refused(small_workflow: WorkflowCopy) -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=small_workflow.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stderr is not None
        for line in first.stderr:
            if line.startswith("Select jobs to execute"):
                break
        second = small_workflow.snakemake("--cores", "1", config=CONFIG)
    finally:
        kill_all(small_workflow.folder)
        first.wait()
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stderr + second.stdout
