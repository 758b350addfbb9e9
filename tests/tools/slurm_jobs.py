"""Run a copy of the workflow as the jobs of a Slurm that was started for it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tools.slurm_cluster import SlurmCluster
from tools.workflow_copy import WorkflowCopy

#: Seconds that all jobs together may take.
PATIENCE = 1200


def site_profile(folder: Path, pretrain: dict[str, Any]) -> Path:
    """Write the Slurm profile as a small site would change it, one without accounting and GPUs."""
    path = folder / "profiles" / "slurm" / "config.yaml"
    profile: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    del profile["software-deployment-method"]
    profile["default-resources"]["slurm_partition"] = "debug"
    profile |= {"slurm-status-command": "squeue", "slurm-no-account": True}
    profile |= {"slurm-init-seconds-before-status-checks": 3, "seconds-between-status-checks": 2}
    profile["set-resources"] = {"pretrain": pretrain}
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return path.parent


def run_as_jobs(
    cluster: SlurmCluster,
    workflow: WorkflowCopy,
    pretrain: dict[str, Any],
    disturb: Callable[[SlurmCluster, Path, list[str]], None],
    *targets: str,
) -> list[str]:
    """Run a workflow on a cluster and return what happened to it on the way."""
    log = workflow.folder / "run.log"
    profile = site_profile(workflow.folder, pretrain)
    with log.open("w", encoding="utf-8") as file:
        run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--profile", str(profile), *targets],
            cwd=workflow.folder,
            # Both nodes are this machine, whose name others could not ask for.
            env=cluster.environment | {"MASTER_ADDR": "127.0.0.1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    happened: list[str] = []
    limit = time.monotonic() + PATIENCE
    try:
        while run.poll() is None:
            assert time.monotonic() < limit, log.read_text(encoding="utf-8")[-4000:]
            time.sleep(0.5)
            disturb(cluster, workflow.folder, happened)
    finally:
        run.kill()
    assert run.returncode == 0, log.read_text(encoding="utf-8")[-6000:]
    return happened
