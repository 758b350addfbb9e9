"""What the launcher checks before it starts a rank."""

import os
import sys
import time
from pathlib import Path

import pytest
from malmoi.errors import InputError
from malmoi.training import __main__ as entry
from malmoi.training.launch import STALE_LOCK_SECONDS, launch, rank_environment
from malmoi.training.plan import Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        fingerprint="0" * 64,
        seed=1,
        phases=[],
        settings={"runtime": {"ranks": 2, "threads_per_rank": 3}},
        vocabulary_size=9,
        tokenizer="tokenizer",
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


def program(path: Path) -> None:
    path.write_text("#!/bin/sh\n")
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


def test_ranks_get_their_threads_and_the_library(plan: Plan, programs: Path) -> None:
    program(programs / "c++")
    environment = rank_environment(plan)
    assert environment["OMP_NUM_THREADS"] == "3"
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


def test_the_entry_point_tells_its_usage(capsys: pytest.CaptureFixture) -> None:
    assert entry.main([]) == 2
    assert "usage: python -m malmoi.training PLAN" in capsys.readouterr().err
