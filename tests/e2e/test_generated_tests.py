"""``snakemake --generate-unit-tests`` after a run: a test of every rule, of what went in and came out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tools.workflow_copy import EVERY_STAGE, WorkflowCopy, planned

pytestmark = [pytest.mark.workflow, pytest.mark.training, pytest.mark.slow]

#: Files of a training that tell times.
TIMED = ("log.parquet", "held_out.parquet", "summary.json", "loss.png")
#: Rules whose output tells times.
TELL_TIMES = {"pretrain", "measure_stages"}


def test_a_finished_run_gives_a_test_of_every_rule_and_they_pass(tmp_path: Path) -> None:
    workflow = WorkflowCopy(tmp_path)
    workflow.generate(megabytes=0.6)
    # The tests run in folders of their own.
    sources = [
        {**source, "path": str(tmp_path / source["path"])}
        for source in EVERY_STAGE["corpus"]["sources"]
    ]
    config = {**EVERY_STAGE, "corpus": {**EVERY_STAGE["corpus"], "sources": sources}}
    run = workflow.snakemake("--cores", "2", config=config)
    assert run.returncode == 0, run.stderr[-4000:]
    rules = set(planned(run.stderr))
    made = workflow.snakemake("--generate-unit-tests", ".tests/unit", config=config)
    assert made.returncode == 0, made.stderr[-4000:]
    folder = tmp_path / ".tests" / "unit"
    assert {path.stem.removeprefix("test_") for path in folder.glob("test_*.py")} == rules
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-n", "2", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path,
        # They call what is named python.
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed, failed = (
        set(re.findall(rf"^{outcome} .*::test_(\w+)", tests.stdout, re.MULTILINE))
        for outcome in ("PASSED", "FAILED")
    )
    assert passed == rules - TELL_TIMES, tests.stdout[-6000:]
    assert failed == TELL_TIMES
    # One core made the same model as two; what differs is how long it took.
    differing = set(
        re.findall(r"^\S+/expected/results/(\S+) differs:$", tests.stdout, re.MULTILINE)
    )
    assert differing <= {"benchmarks.csv", *(f"training/demo/{name}" for name in TIMED)}
