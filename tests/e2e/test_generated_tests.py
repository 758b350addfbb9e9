"""``snakemake --generate-unit-tests`` after a run: a test of every rule, of what went in and came out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tools.workflow_copy import EVERY_STAGE, WorkflowCopy

pytestmark = [pytest.mark.workflow, pytest.mark.training, pytest.mark.slow]

#: Rules whose output tells times: the curve of training, what is made of it, and the stages' own table.
TELL_TIMES = {"pretrain", "package", "publish", "measure_stages"}


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
    rules = set(re.findall(r"^(?:local)?rule (\w+):$", run.stderr, re.MULTILINE)) - {"all"}
    made = workflow.snakemake("--generate-unit-tests", ".tests/unit", config=config)
    assert made.returncode == 0, made.stderr[-4000:]
    folder = tmp_path / ".tests" / "unit"
    assert {path.stem.removeprefix("test_") for path in folder.glob("test_*.py")} == rules
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path,
        # They call what is named python.
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = set(re.findall(r"^PASSED .*::test_(\w+)$", tests.stdout, re.MULTILINE))
    assert passed == rules - TELL_TIMES, tests.stdout[-6000:]
    # What failed was run too, and differs where it tells times alone.
    differing = set(re.findall(r"^\S+/expected/(\S+) differs:$", tests.stdout, re.MULTILINE))
    print(differing)
