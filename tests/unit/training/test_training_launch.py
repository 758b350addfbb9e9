"""What the launcher checks before it starts a rank."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from malmoi.errors import InputError
from malmoi.fingerprint import LIBRARY
from malmoi.training import __main__ as entry
from malmoi.training.launch import STALE_LOCK_SECONDS, launch, rank_environment
from malmoi.training.plan import Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        fingerprint="0" * 64,
        parts={"code": "new"},
        seed=1,
        phases=[],
        settings={"runtime": {"ranks": 2, "nodes": 1, "threads_per_rank": 3, "loader_workers": 1}},
        vocabulary_size=9,
        tokenizer="tokenizer",
        init=None,
        checkpoints=str(tmp_path / "checkpoints"),
        model_output=str(tmp_path / "model"),
        log_output=str(tmp_path / "log"),
        message_log=str(tmp_path / "messages.log"),
    )


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the whole PATH, and an empty cache of extensions."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "extensions"))
    return folder


def program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def test_without_a_compiler_the_cure_is_named(plan: Plan, programs: Path) -> None:
    with pytest.raises(
        InputError, match=r"no C\+\+ compiler \(c\+\+\).*apt-get install g\+\+.*CXX"
    ):
        launch(plan)


def test_the_chosen_compiler_is_looked_for(
    plan: Plan, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs / "c++")
    monkeypatch.setenv("CXX", "clang++-99")
    with pytest.raises(InputError, match=r"\(clang\+\+-99\)"):
        rank_environment(plan)


def test_ranks_get_their_threads_and_the_library(
    plan: Plan, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(programs / "c++")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        # As Snakemake does by the cores that a job is given.
        monkeypatch.setenv(name, "8")
    environment = rank_environment(plan)
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "3"
    assert environment["DS_ACCELERATOR"] == "cpu"
    assert (Path(environment["PYTHONPATH"]) / "malmoi" / "training").is_dir()
    # ninja, which builds DeepSpeed's extension, lies beside the interpreter.
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_a_machine_with_a_gpu_needs_no_compiler(plan: Plan, programs: Path) -> None:
    program(programs / "nvidia-smi")
    assert "DS_ACCELERATOR" not in rank_environment(plan)


def test_locks_of_killed_builds_are_removed(plan: Plan, programs: Path, tmp_path: Path) -> None:
    program(programs / "c++")
    stale, fresh = (tmp_path / "extensions" / name / "ext" / "lock" for name in ("old", "new"))
    for lock in (stale, fresh):
        lock.parent.mkdir(parents=True)
        lock.touch()
    past = time.time() - STALE_LOCK_SECONDS - 60
    os.utime(stale, (past, past))
    rank_environment(plan)
    assert not stale.exists()
    assert fresh.exists()


def test_the_lock_of_a_build_that_goes_on_is_left(
    plan: Plan, programs: Path, tmp_path: Path
) -> None:
    program(programs / "c++")
    lock = tmp_path / "extensions" / "ext" / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w"):
        past = time.time() - STALE_LOCK_SECONDS - 60
        os.utime(lock, (past, past))
        rank_environment(plan)
        assert lock.exists()
    rank_environment(plan)
    assert not lock.exists()


def test_several_nodes_need_a_slurm_job_of_as_many(
    plan: Plan, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan.settings["runtime"]["nodes"] = 2
    program(programs / "c++")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(
        InputError, match=r"runtime\.nodes is 2.*sbatch --nodes=2.*SLURM_JOB_ID is not set"
    ):
        launch(plan)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    program(programs / "srun")
    program(programs / "squeue", "echo gone >&2; exit 1")
    with pytest.raises(InputError, match=r"squeue .*--jobs=7.* failed in this Slurm job: gone"):
        launch(plan)
    program(programs / "squeue", 'echo "1 n1"')
    with pytest.raises(InputError, match=r"runtime\.nodes is 2.*job 7 has 1"):
        launch(plan)


def test_each_node_of_a_slurm_job_gets_one_torchrun(
    plan: Plan, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan.settings["runtime"] |= {"nodes": 2, "ranks": 6}
    for name in ("SLURM_CPUS_ON_NODE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "20003")
    program(programs / "c++")
    program(programs / "squeue", 'echo "2 gpu[3,7]"')
    program(
        programs / "scontrol", 'test "$*" = "show hostnames gpu[3,7]" && echo gpu3 && echo gpu7'
    )
    program(programs / "srun", f'for word in "$@"; do echo "$word" >>{tmp_path}/words; done')
    launch(plan)
    words = (tmp_path / "words").read_text().splitlines()
    # Three ranks, each with three threads and a loader.
    assert {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=12"} <= set(words)
    assert {"--nnodes=2", "--nproc-per-node=3", "--master-addr=gpu3"} <= set(words)
    assert {"--kill-on-bad-exit=1", "--master-port=20003"} <= set(words)
    assert '--node-rank="$SLURM_NODEID"' in words[words.index("-c") + 1]
    assert words[-1] == str(Path(plan.checkpoints) / "plan.json")


def test_the_entry_point_tells_its_usage(capsys: pytest.CaptureFixture) -> None:
    assert entry.main([]) == 2
    assert "usage: python -m malmoi.training PLAN" in capsys.readouterr().err


def test_a_process_ends_with_its_parent_also_where_that_is_gone_already() -> None:
    # A rank killed while it forks a loader worker would leave that behind for ever.
    tell = "import os, sys; from malmoi.training.processes import end_with_parent;"
    for parent, alive in (("os.getppid()", "alive\n"), ("os.getppid() + 1", "")):
        done = subprocess.run(
            [sys.executable, "-c", f"{tell} end_with_parent({parent}); print('alive')"],
            env={**os.environ, "PYTHONPATH": str(LIBRARY)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.stdout, done.stderr) == (alive, "")
        assert done.returncode == (0 if alive else 1)
