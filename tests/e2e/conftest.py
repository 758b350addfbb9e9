"""One undisturbed run of a small workflow, which others are compared with."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.killed_workflow import CONFIG, new_copy
from tools.workflow_copy import WorkflowCopy


@pytest.fixture
def small_workflow(tmp_path: Path) -> WorkflowCopy:
    """A workflow that has not run yet."""
    return new_copy(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> WorkflowCopy:
    """A workflow that ran to its end and that nothing happened to."""
    workflow = new_copy(tmp_path_factory.mktemp("undisturbed"))
    run = workflow.snakemake("--cores", "2", config=CONFIG)
    assert run.returncode == 0, run.stderr[-4000:]
    return workflow
