"""The workflow as jobs of a real Slurm: jobs are killed, a node is drained, training is stopped and goes on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import slurm_cluster
from tools.killed_workflow import CONFIG, assert_same_results
from tools.slurm_cluster import SlurmCluster
from tools.slurm_jobs import run_as_jobs
from tools.workflow_copy import WorkflowCopy, changed

MISSING = slurm_cluster.missing()
pytestmark = [
    *(pytest.mark.workflow, pytest.mark.training, pytest.mark.slow),
    pytest.mark.skipif(MISSING is not None, reason=f"no Slurm here: {MISSING}"),
]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    started = SlurmCluster(tmp_path_factory.mktemp("slurm"))
    yield started
    started.close()


def stopped_and_resumed(folder: Path) -> bool:
    """Return whether training saved its state when it was asked to stop, and went on from there."""
    messages = (folder / "run.log").read_text(encoding="utf-8")
    saved = re.search(r"asked to stop: saved after step (\d+)", messages)
    again = (folder / "results/logs/pretrain/demo.log").read_text(encoding="utf-8")
    return saved is not None and f"resuming after step {saved[1]} of" in again


def test_what_happens_to_jobs_changes_no_byte(
    undisturbed: WorkflowCopy,
    small_workflow: WorkflowCopy,
    cluster: SlurmCluster,
) -> None:
    small_workflow.configure(changed(CONFIG, "pretrain.runtime.nodes", 2))
    pretrain = {"mpi": "srun", "nodes": 2, "tasks": 2, "tasks_per_gpu": 0, "cpus_per_task": 2}
    happened = run_as_jobs(cluster, small_workflow, pretrain, disturb, "results/model/demo")
    assert happened == ["killed", "drained", "resumed", "stopped"]
    assert stopped_and_resumed(small_workflow.folder)
    results = small_workflow.folder / "results"
    assert_same_results(results, undisturbed.folder / "results", whole=False)


def test_training_on_one_node_saves_when_its_time_ends(
    undisturbed: WorkflowCopy, tmp_path: Path, cluster: SlurmCluster
) -> None:
    shutil.copytree(undisturbed.folder, tmp_path / "again", symlinks=True)
    workflow = WorkflowCopy.of(tmp_path / "again")
    for name in ("model", "training", "checkpoints", "logs/pretrain"):
        shutil.rmtree(workflow.folder / "results" / name)
    happened = run_as_jobs(cluster, workflow, {"nodes": 1}, stop_training, "results/model/demo")
    assert happened == ["stopped"]
    assert stopped_and_resumed(workflow.folder)
    assert_same_results(workflow.folder / "results", undisturbed.folder / "results")


def disturb(cluster: SlurmCluster, folder: Path, happened: list[str]) -> None:
    """Do the next of what happens to this run, once its moment has come."""
    if not happened and (job := job_of(cluster, "segment")):
        cluster.run("scancel", job)
        happened.append("killed")
    elif happened == ["killed"] and job_of(cluster, "vocabulary"):
        cluster.run("scontrol", "update", "nodename=n2", "state=drain", "reason=test")
        happened.append("drained")
    elif happened[-1:] == ["drained"] and job_of(cluster, "instances"):
        cluster.run("scontrol", "update", "nodename=n2", "state=resume")
        happened.append("resumed")
    elif happened[-1:] == ["resumed"]:
        stop_training(cluster, folder, happened)


def stop_training(cluster: SlurmCluster, folder: Path, happened: list[str]) -> None:
    """Warn training of its time limit once it has saved something, as Slurm does by `--signal=USR1@300`."""
    job = job_of(cluster, "pretrain")
    saved = len(list(folder.glob("results/checkpoints/*/step-*"))) > 1
    if job and saved and "stopped" not in happened:
        # All steps of the job get it, the batch script does not.
        cluster.run("scancel", "--signal=USR1", job)
        happened.append("stopped")


def job_of(cluster: SlurmCluster, rule: str) -> str | None:
    """Return the number of the job of a rule that runs now."""
    found = (job for job, comment in cluster.jobs().items() if f"rule_{rule}" in comment)
    return next(found, None)
