"""A workflow on a disk that fills up goes on once there is room; one that may not write says so at once."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools.killed_workflow import differences, digests
from tools.workflow_copy import SMALL, WorkflowCopy

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SEGMENTS = "results/segments/0000.parquet"
COMMAND = ("--cores", "2", SEGMENTS)


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """A function that mounts something on a folder until the test ends."""
    mounted: list[str] = []

    def mount_on(folder: Path, *options: str) -> None:
        done = subprocess.run(
            ["mount", *options, str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"only root can mount the disk this needs: {done.stderr.strip()}")
        mounted.append(str(folder))

    yield mount_on
    for folder in reversed(mounted):
        subprocess.run(["umount", folder], check=True)


def used(*folders: Path) -> int:
    """Return the bytes of disk that folders take with all their files."""
    files = (path for folder in folders for path in [folder, *folder.rglob("*")])
    return sum(path.stat().st_blocks * 512 for path in files)


def test_a_full_disk_costs_only_the_job_that_met_it(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    mount(tmp_path, "-t", "tmpfs", "-o", "size=32m", "tmpfs")
    workflow = WorkflowCopy(tmp_path)
    workflow.generate(megabytes=0.6)
    results = tmp_path / "results"
    whole = workflow.snakemake(*COMMAND, config=SMALL)
    assert whole.returncode == 0, whole.stderr[-4000:]
    expected = digests(results)
    needed = used(results) - used(results / "segments", results / "cache") // 2

    results.rename(tmp_path / "undisturbed")
    disk = os.statvfs(tmp_path)
    filler = tmp_path / "filler"
    filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - needed))
    stopped = workflow.snakemake(*COMMAND, config=SMALL)
    assert stopped.returncode == 1
    said = re.search(r"^malmoi: .*No space left on device: '(.*)'(.*)$", stopped.stderr, re.M)
    assert said, stopped.stderr[-4000:]
    assert re.match("results/(segments|changes|ledger/segment)/0000.parquet$", said[1])
    assert said[2] == ". Make room and run the same command again"
    assert "Traceback" not in stopped.stderr
    left = digests(results)
    assert "curated/0000.parquet" in left
    assert left == {name: expected[name] for name in left}

    filler.unlink()
    assert workflow.snakemake(*COMMAND, config=SMALL).returncode == 0
    assert differences(digests(results), expected) == set()


@pytest.mark.parametrize("name", ["results", ".snakemake"])
def test_a_folder_that_cannot_be_written_is_named_before_anything_runs(
    tmp_path: Path, mount: Callable[..., None], name: str
) -> None:
    workflow = WorkflowCopy(tmp_path)
    workflow.generate(megabytes=0.1)
    folder = tmp_path / name
    folder.mkdir()
    mount(folder, "--bind", str(folder))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    run = workflow.snakemake(*COMMAND, config=SMALL)
    assert run.returncode == 1
    assert f"{folder} cannot be written" in run.stderr
    assert "make it writable, or run in another folder" in run.stderr
    assert "rule ingest:" not in run.stderr
    assert not any(folder.iterdir())
