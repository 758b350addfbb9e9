"""The linters and formatters find nothing, and the profiles are read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tools.workflow_copy import SMALL, WorkflowCopy, planned

REPO = Path(__file__).resolve().parents[2]


def python_module(*arguments, cwd=REPO):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        ("snakefmt.snakefmt", "--check", "-l", "100", "Snakefile", "workflow/rules"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_style(command):
    run = python_module(*command)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def generated():
    """The generated half of the sample, in its place."""
    folder = REPO / "sample" / "generated"
    if not list(folder.glob("*.jsonl")):
        command = [sys.executable, "sample/generate.py", "--output", str(folder)]
        subprocess.run(command, cwd=REPO, check=True, capture_output=True)


@pytest.mark.workflow
def test_snakemake_finds_nothing_to_mend(generated):
    run = python_module("snakemake", "--lint", "--configfile", "sample/config.yaml")
    assert run.returncode == 0, run.stderr
    assert "Congratulations" in run.stderr


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A workflow with raw files but no results."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("profiles"))
    for domain in ("legal", "medical"):
        (workflow.folder / "raw" / domain).mkdir(parents=True)
        (workflow.folder / "raw" / domain / "one.jsonl").write_text("{}\n")
    return workflow


@pytest.mark.workflow
def test_the_slurm_profile_plans_the_whole_run(workflow):
    run = workflow.snakemake(
        *("--profile", "profiles/slurm", "--dry-run"),
        # Conda need not be there for a plan.
        *("--software-deployment-method", "env-modules"),
        *("--default-resources", "slurm_partition=none", "mem=4GB", "runtime=2h"),
        config=SMALL,
    )
    assert run.returncode == 0, run.stderr
    assert "profiles/default" in run.stderr  # taken unasked
    assert planned(run.stdout)["pretrain"] == 1
    job = run.stdout.partition("rule pretrain:")[2].partition("\n\n")[0]
    assert "slurm_partition=none" in job
    for resource in ("gpu=4", "nodes=1", "runtime=1440", "slurm_extra=--signal=USR1@300"):
        assert resource in job


@pytest.mark.parametrize("name", ["default", "slurm"])
def test_profiles_are_about_machines_and_name_real_rules(name):
    profile = yaml.safe_load((REPO / "profiles" / name / "config.yaml").read_text())
    assert "configfile" not in profile
    assert "config" not in profile
    text = "".join(path.read_text() for path in (REPO / "workflow" / "rules").glob("*.smk"))
    for rule in profile.get("set-resources", {}):
        assert f"rule {rule}:" in text


def test_retries_are_in_the_profile_alone():
    # A rule's own number would be honoured again inside each Slurm job.
    for path in (REPO / "workflow" / "rules").glob("*.smk"):
        assert "retries:" not in path.read_text()
