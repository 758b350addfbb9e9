"""Pretraining over two nodes of a Slurm that is started for it, beside the same on one machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.killed_workflow import CONFIG, curves, new_copy
from tools.slurm_cluster import SlurmCluster, missing
from tools.slurm_jobs import run_as_jobs
from tools.workflow_copy import WorkflowCopy, changed

MODEL = "results/model/demo"
#: What training leaves behind, which the second run makes again.
TRAINED = ("model", "training", "checkpoints", "logs/pretrain")
NODES = {"mpi": "srun", "nodes": 2, "tasks": 2, "tasks_per_gpu": 0, "cpus_per_task": 2}


def measure(data: Path, work: Path) -> dict[str, float | None]:
    """Train on two local ranks and on two nodes, and compare what was logged on the way.

    ``slurm_curve_values`` counts the values of the loss curve and of the held-out figures, times aside, and
    ``slurm_curve_differences`` those that differ or that one run lacks; None where no Slurm can be started.
    ``data`` is not used.
    """
    if reason := missing():
        print(f"no Slurm here: {reason}", flush=True)
        return {"slurm_curve_values": None, "slurm_curve_differences": None}
    folder = work / "slurm"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "local").mkdir(parents=True)
    local = new_copy(folder / "local")
    run = local.snakemake("--cores", "2", MODEL, config=CONFIG)
    if run.returncode:
        raise RuntimeError(run.stderr[-4000:])
    nodes = WorkflowCopy.of(shutil.copytree(local.folder, folder / "nodes", symlinks=True))
    for name in TRAINED:
        shutil.rmtree(nodes.folder / "results" / name)
    nodes.configure(changed(CONFIG, "pretrain.runtime.nodes", 2))
    cluster = SlurmCluster(folder / f"cluster-{os.getpid()}")
    try:
        run_as_jobs(cluster, nodes, NODES, lambda *_: None, MODEL)
    finally:
        cluster.close()
    pairs = [compared(local, nodes, name) for name in ("log", "held_out")]
    return {
        "slurm_curve_values": sum(values for values, _ in pairs),
        "slurm_curve_differences": sum(differing for _, differing in pairs),
    }


def compared(one: WorkflowCopy, other: WorkflowCopy, name: str) -> tuple[int, int]:
    """Return how many values a table of training holds in either run, and in how many the runs differ."""
    first, second = (curves(each.folder / "results", name) for each in (one, other))
    # A row that one lacks is empty there, and so differs from the other's.
    first, second = first.align(second)
    same = (first == second) | (first.isna() & second.isna())
    return same.size, int((~same).sum(axis=None))
