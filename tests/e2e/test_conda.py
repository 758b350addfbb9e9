"""``--use-conda`` from nothing: real environments of ``envs/``, made by a stand-in for conda.

They are solved and linked from a channel that holds this machine's Python and pip, and filled by their own
pip; see ``tools.conda_stand_in``. The workflow is the small one, which takes every stage in a minute; the
demonstration, of the same rules and environments, would take eight.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tools import conda_channel, conda_origins, conda_stand_in
from tools.killed_workflow import assert_same_results
from tools.workflow_copy import EVERY_STAGE, REPO, WorkflowCopy

MISSING = conda_channel.missing()
pytestmark = [
    *(pytest.mark.workflow, pytest.mark.training, pytest.mark.slow),
    pytest.mark.skipif(MISSING is not None, reason=f"no stand-in for conda here: {MISSING}"),
]

ENVIRONMENTS = {
    path.stem: [
        pin.split("==")[0] for pin in yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    ]
    for path in sorted((REPO / "envs").glob("*.yaml"))
}

#: One job for each environment.
ORIGINS = """
include: "Snakefile"


PINS = %r


rule all_origins:
    input:
        expand("origins/{environment}.json", environment=PINS),


for name, pins in PINS.items():

    rule:
        output:
            f"origins/{name}.json",
        conda:
            f"envs/{name}.yaml"
        params:
            pins=pins,
        script:
            "workflow/scripts/conda_origins.py"
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What processes see that use the stand-in, on a machine where the user installed packages of his own."""
    root = tmp_path_factory.mktemp("conda")
    channel = root / "channels" / "conda-forge"
    conda_channel.build_channel(channel)
    user = root / "user" / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages"
    own_package = user / "tqdm-99.dist-info"
    own_package.mkdir(parents=True)
    (user / "tqdm.py").write_text("raise ImportError('this is the tqdm of the user')\n")
    (own_package / "METADATA").write_text("Metadata-Version: 2.1\nName: tqdm\nVersion: 4.70.1\n")
    # The same build of PyTorch, so that results can be equal.
    constraint = root / "constraint.txt"
    constraint.write_text(f"torch=={importlib.metadata.version('torch')}\n")
    return {
        **conda_stand_in.install(root / "stand_in", channel.parent),
        "PYTHONUSERBASE": str(root / "user"),
        "TORCH_EXTENSIONS_DIR": str(root / "extensions"),
        "PIP_CONSTRAINT": str(constraint),
        # Means --no-compile. Most of what is installed is never imported here.
        "PIP_NO_COMPILE": "0",
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> WorkflowCopy:
    """A workflow that ran in one environment, the one of these tests."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("plain"))
    workflow.generate(megabytes=0.6)
    run = workflow.snakemake("--cores", "2", config=EVERY_STAGE)
    assert run.returncode == 0, run.stderr[-4000:]
    return workflow


@pytest.fixture(scope="module")
def by_conda(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> WorkflowCopy:
    """A workflow that ran with ``--use-conda``."""
    workflow = WorkflowCopy(tmp_path_factory.mktemp("by_conda"))
    workflow.generate(megabytes=0.6)
    workflow.configure(EVERY_STAGE)
    run = with_conda(workflow, environment)
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]
    (workflow.folder / "run.log").write_text(run.stderr, encoding="utf-8")
    return workflow


def with_conda(
    workflow: WorkflowCopy, environment: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run a copy of the workflow as the README tells users of conda."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--use-conda", *options]
    return subprocess.run(
        command, cwd=workflow.folder, env=environment, capture_output=True, text=True, check=False
    )


def test_environments_of_their_own_change_no_byte(
    by_conda: WorkflowCopy, finished: WorkflowCopy
) -> None:
    made = sorted((by_conda.folder / ".snakemake" / "conda").glob("*.yaml"))
    assert sorted(path.read_bytes() for path in made) == sorted(
        (REPO / "envs" / f"{name}.yaml").read_bytes() for name in ENVIRONMENTS
    )
    messages = (by_conda.folder / "run.log").read_text(encoding="utf-8")
    used = set(re.findall(r"^Activating conda environment: (\S+)", messages, re.MULTILINE))
    assert used == {f".snakemake/conda/{path.stem}" for path in made}
    assert_same_results(by_conda.folder / "results", finished.folder / "results")


def test_all_that_is_pinned_comes_from_the_environment(
    by_conda: WorkflowCopy, environment: dict[str, str]
) -> None:
    folder = by_conda.folder
    (folder / "origins.smk").write_text(ORIGINS % ENVIRONMENTS, encoding="utf-8")
    script = Path(conda_origins.__file__).read_bytes()
    (folder / "workflow" / "scripts" / "conda_origins.py").write_bytes(script)
    by_conda.configure(EVERY_STAGE)
    run = with_conda(by_conda, environment, "--snakefile", "origins.smk", "all_origins")
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]
    for name, pins in ENVIRONMENTS.items():
        told = json.loads((folder / "origins" / f"{name}.json").read_text(encoding="utf-8"))
        prefix = Path(told["prefix"])
        assert prefix.parent == folder / ".snakemake" / "conda"
        assert list(told["files"]) == pins
        for pin, files in told["files"].items():
            assert files, pin
            assert all(Path(file).is_relative_to(prefix) for file in files), (pin, files)
        assert told["strangers"] == []


def test_what_only_the_controller_has_is_not_found(
    by_conda: WorkflowCopy, environment: dict[str, str]
) -> None:
    by_conda.configure(EVERY_STAGE)
    with by_conda.appended("workflow/scripts/sum_ledger.py", "\nimport hypothesis\n"):
        run = with_conda(
            by_conda, environment, "--forcerun", "ledger", "--", "results/ledger.parquet"
        )
    assert run.returncode != 0
    log = (by_conda.folder / "results" / "logs" / "ledger.log").read_text(encoding="utf-8")
    assert "ModuleNotFoundError: No module named 'hypothesis'" in log
