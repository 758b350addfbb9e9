"""Whole pretraining runs: killed, stopped, damaged, taken up again, by other ranks and under Slurm."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch
from malmoi.fingerprint import LIBRARY
from malmoi.training import checkpoint
from malmoi.training.plan import REFUSAL, Plan
from malmoi.training.state import WEIGHT, read_state
from safetensors.torch import load_file
from tools.training_ranks import kill_ranks, run_ranks, start_ranks
from tools.training_runs import (
    PIECES,
    curve,
    finish,
    held_out,
    kill,
    make_data,
    make_run,
    start,
    weights,
)
from transformers import AutoTokenizer, BertForPreTraining

pytestmark = pytest.mark.training

STEPS = 30
#: Neither divides the other, so that a run taken up again begins within a window of the log.
LOG_EVERY, SAVE_EVERY = 4, 5


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data") / "made", length=32)


@pytest.fixture(scope="module")
def plan_of(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Plan]:
    """Return a function that plans a run in a folder of its own, or in ``folder``."""

    def plan(
        folder: Path | None = None,
        *,
        dropout: float = 0.1,
        micro: int = 4,
        bad_steps: str = "stop",
        **runtime: object,
    ) -> Plan:
        return make_run(
            manifest,
            folder or tmp_path_factory.mktemp("run"),
            steps=STEPS,
            batch_size=16,
            micro_batch_size=micro,
            model={"layers": 2, "hidden_size": 64, "heads": 2, "dropout": dropout},
            learning_rate=5e-3,
            max_position_embeddings=32,
            bad_steps={"action": bad_steps, "spike_factor": None, "most": 10},
            runtime={
                **{"ranks": 2, "loader_workers": 1},
                **{"log_every": LOG_EVERY, "checkpoint_every": SAVE_EVERY, "held_out_every": 10},
                **runtime,
            },
        )

    return plan


@pytest.fixture(scope="module")
def whole(plan_of: Callable[..., Plan]) -> Plan:
    """An uninterrupted run on two ranks at ZeRO stage 1, started as users start it."""
    return finish(plan_of())


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_until(condition: Callable[[], object], what: str) -> None:
    limit = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < limit, f"never came: {what}"
        time.sleep(0.005)


def wait_for_step(plan: Plan, process: subprocess.Popen, step: int) -> None:
    """Wait until a running plan logged ``step``."""
    path = Path(plan.checkpoints) / "log.jsonl"

    def came() -> bool:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        return any(json.loads(line)["step"] >= step for line in lines if line.endswith("\n"))

    try:
        wait_until(came, f"step {step}")
    except AssertionError:
        if process.poll() is None:
            kill(process)
        raise


def newest_step(plan: Plan) -> int:
    found = checkpoint.newest(Path(plan.checkpoints))
    assert found is not None
    return found["step"]


def messages(plan: Plan) -> str:
    return Path(plan.message_log).read_text()


def summary(plan: Plan) -> dict:
    return json.loads((Path(plan.log_output) / "summary.json").read_text())


def forked(plan: Plan) -> Plan:
    """Run a plan on forked ranks to its end."""
    statuses, errors = run_ranks(plan)
    assert not any(statuses), errors
    return plan


def assert_same_run(plan: Plan, reference: Plan) -> None:
    pd.testing.assert_frame_equal(curve(plan), curve(reference), check_exact=True)
    pd.testing.assert_frame_equal(held_out(plan), held_out(reference), check_exact=True)
    assert weights(plan) == weights(reference)


def test_two_ranks_learn_and_log_every_step(whole: Plan) -> None:
    log = curve(whole)
    assert log["step"].tolist() == [*range(LOG_EVERY, STEPS, LOG_EVERY), STEPS]
    assert log["mlm_loss"].iloc[-1] < log["mlm_loss"].iloc[0] - 0.5
    assert held_out(whole)["step"].tolist() == [0, 10, 20, 30]
    assert held_out(whole)["mlm_loss"].is_monotonic_decreasing
    facts = summary(whole)
    assert (facts["steps"], facts["ranks"], facts["zero_stage"]) == (STEPS, 2, 1)
    assert facts["fingerprint"] == whole.fingerprint
    assert facts["codes"] == ["code"]
    assert facts["tokens"] == log["tokens"].sum()
    assert (Path(whole.log_output) / "loss.png").stat().st_size > 1000


def test_the_export_loads_in_plain_transformers_with_the_checkpoint_s_weights(whole: Plan) -> None:
    model, report = BertForPreTraining.from_pretrained(whole.model_output, output_loading_info=True)
    assert not any(report.values()), report
    tied = model.get_output_embeddings().weight
    assert tied.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    assert summary(whole)["parameters"] == model.num_parameters()
    state = read_state(Path(whole.checkpoints) / checkpoint.name_of(STEPS))
    saved = {name.removeprefix("model."): tensors[WEIGHT] for name, tensors in state}
    exported = load_file(Path(whole.model_output) / "model.safetensors")
    assert set(exported) == set(saved)
    for name, value in exported.items():
        assert torch.equal(value, saved[name]), name
    tokenizer = AutoTokenizer.from_pretrained(whole.model_output)
    assert tokenizer.convert_tokens_to_ids(PIECES) == list(range(len(PIECES)))
    assert tokenizer.model_max_length == 32


def test_a_run_that_ends_in_every_way_ends_as_if_nothing_had_happened(
    whole: Plan, plan_of: Callable[..., Plan]
) -> None:
    """A rank is killed, then the launcher; then a stop is asked for; then a checkpoint is damaged."""
    plan = plan_of()

    process = start(plan)
    wait_for_step(plan, process, 6)
    torchrun, *ranks = descendants(process)
    next(rank for rank in ranks if "malmoi.training" in " ".join(rank.cmdline())).kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "RuntimeError: pretraining" in errors and "goes on from there" in errors
    assert not psutil.wait_procs([torchrun, *ranks], timeout=5)[1]
    assert newest_step(plan) < STEPS

    process = start(plan)
    wait_for_step(plan, process, 12)
    started = descendants(process)
    process.kill()
    assert not psutil.wait_procs(started, timeout=30)[1]
    process.communicate()
    assert newest_step(plan) < STEPS

    process = start(plan)
    wait_for_step(plan, process, 16)
    started = descendants(process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "goes on from there" in errors
    assert not psutil.wait_procs(started, timeout=5)[1]
    stopped = newest_step(plan)
    assert 16 <= stopped < STEPS
    assert f"asked to stop: saved after step {stopped}" in messages(plan)

    damaged = Path(plan.checkpoints) / checkpoint.name_of(stopped) / "state-00000.safetensors"
    os.truncate(damaged, damaged.stat().st_size // 2)
    assert_same_run(finish(plan), whole)
    assert "is damaged and passed over: state-00000.safetensors" in messages(plan)
    assert messages(plan).count("resuming after step") == 3


@pytest.fixture
def stand_in_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for Slurm's programs, which start both nodes' ranks here."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, lines in {
        "squeue": ['echo "2 n[1-2]"'],
        "scontrol": ['test "$3" = "n[1-2]" && echo n1 && echo n2'],
        # As srun: every node's task gets its number and the signals, and a bad end of one ends all.
        "srun": [
            f'exec {sys.executable} {Path(__file__).parents[1] / "tools" / "stand_in_srun.py"} "$@"'
        ],
    }.items():
        (programs / name).write_text("\n".join(["#!/bin/sh", *lines, ""]))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "47")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")


@pytest.fixture
def port_in_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A port that another program holds, and that the environment names."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setenv("MASTER_PORT", port)
        yield port


def test_on_one_machine_a_port_in_use_keeps_no_run_out(
    plan_of: Callable[..., Plan], port_in_use: str
) -> None:
    plan = finish(plan_of(ranks=1, log_every=30, held_out_every=100))
    assert summary(plan)["steps"] == STEPS


def test_on_several_nodes_a_port_in_use_is_named(
    plan_of: Callable[..., Plan], stand_in_slurm: None, port_in_use: str
) -> None:
    process = start(plan_of(nodes=2))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"port {port_in_use} in use, set MASTER_PORT" in errors
    assert "EADDRINUSE" in errors or "address already in use" in errors


def test_ranks_under_slurm_stop_and_end_as_those_of_one_node(
    whole: Plan, plan_of: Callable[..., Plan], stand_in_slurm: None
) -> None:
    plan = plan_of(nodes=2)
    process = start(plan)
    wait_for_step(plan, process, 8)
    started = descendants(process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=90)
    assert process.returncode == 1
    assert not psutil.wait_procs(started, timeout=5)[1]
    assert f"asked to stop: saved after step {newest_step(plan)}" in messages(plan)
    assert_same_run(finish(plan), whole)


def test_a_killed_run_at_stage_3_ends_as_if_nothing_had_happened(
    plan_of: Callable[..., Plan],
) -> None:
    reference = forked(plan_of(zero_stage=3))
    plan = plan_of(zero_stage=3)
    ranks = start_ranks(plan)
    step = random.Random(3).randrange(8, 20)
    wait_until(lambda: f"step {step - step % LOG_EVERY} of" in _text(plan.message_log), "the step")
    kill_ranks(ranks)
    assert newest_step(plan) < STEPS
    assert_same_run(forked(plan), reference)
    assert "resuming after step" in messages(plan)


def _text(path: str) -> str:
    return Path(path).read_text() if Path(path).is_file() else ""


def test_a_kill_while_a_rank_still_writes_leaves_the_checkpoint_before(
    whole: Plan, plan_of: Callable[..., Plan]
) -> None:
    plan = plan_of()
    ranks = start_ranks(plan, "slow save", 15)
    torn = Path(plan.checkpoints) / checkpoint.partial_name(15)
    wait_until((torn / "state-00000.safetensors").is_file, "the first rank's part")
    kill_ranks(ranks)
    assert newest_step(plan) == 10
    assert_same_run(forked(plan), whole)
    assert "resuming after step 10 of 30" in messages(plan)
    assert not torn.exists()


def test_a_finished_run_is_only_exported_again(whole: Plan, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints" / Path(whole.checkpoints).name
    shutil.copytree(whole.checkpoints, checkpoints)
    plan = replace(
        whole,
        checkpoints=str(checkpoints),
        model_output=str(tmp_path / "model"),
        log_output=str(tmp_path / "log"),
        message_log=str(tmp_path / "messages.log"),
    )
    before = {path: path.stat().st_mtime_ns for path in checkpoints.glob("step-*/*")}
    assert_same_run(forked(plan), whole)
    assert before == {path: path.stat().st_mtime_ns for path in checkpoints.glob("step-*/*")}
    assert "INFO step " not in messages(plan)


def test_ranks_and_stages_may_change_along_the_way(plan_of: Callable[..., Plan]) -> None:
    """From two ranks to one and back, from stage 1 to 3 to 2: the losses are those of one process.

    Dropout is 0, since its random numbers belong to ranks and micro-batches. The one process is started
    without a launcher, while the port that most programs take is in use.
    """
    one = plan_of(dropout=0.0, micro=4, ranks=1)
    one.save(Path(one.checkpoints) / "plan.json")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # In use by this test or by something else: either way it is not free.
        try:
            taken.bind(("127.0.0.1", 29500))
            taken.listen()
        except OSError:
            pass
        process = subprocess.run(
            [sys.executable, "-m", "malmoi.training", str(Path(one.checkpoints) / "plan.json")],
            env={
                **{name: value for name, value in os.environ.items() if name not in _OF_RANKS},
                **{"PYTHONPATH": str(LIBRARY), "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
            },
            capture_output=True,
            text=True,
            timeout=400,
        )
    assert process.returncode == 0, process.stderr

    plan = plan_of(dropout=0.0, micro=8)
    stopped = run_ranks(plan, "asked to stop", 8)
    assert stopped[0] == [75, 75], stopped[1]
    runtime = plan.settings["runtime"]
    plan.settings["runtime"] = {**runtime, "ranks": 1, "zero_stage": 3}
    stopped = run_ranks(plan, "asked to stop", 18)
    assert stopped[0] == [75], stopped[1]
    plan.settings["runtime"] = {**runtime, "ranks": 2, "zero_stage": 2}
    forked(plan)
    assert "resuming after step 9 of 30" in messages(plan)
    assert "{'ranks': 2, 'zero_stage': 1}, this run has {'ranks': 1, 'zero_stage': 3}" in messages(
        plan
    )
    for name in ("loss", "mlm_loss", "nsp_loss", "grad_norm"):
        assert curve(plan)[name].tolist() == pytest.approx(curve(one)[name].tolist(), rel=1e-5)
    assert held_out(plan)["mlm_loss"].tolist() == pytest.approx(
        held_out(one)["mlm_loss"].tolist(), rel=1e-5
    )
    assert curve(plan)["tokens"].tolist() == curve(one)["tokens"].tolist()


_OF_RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def test_a_step_with_nan_stops_the_run_or_is_left_out(plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(ranks=1)
    statuses, errors = run_ranks(plan, "nan", 12)
    assert statuses == [2]
    last = Path(plan.checkpoints) / checkpoint.name_of(10)
    for told in (errors, (Path(plan.checkpoints) / REFUSAL).read_text()):
        assert f"step 13 went wrong: its loss is nan; the last good checkpoint is {last}" in told
        assert "Set pretrain.bad_steps.action to skip" in told
    assert newest_step(plan) == 10

    # As the message says: the same run, which leaves the step out.
    changed = plan_of(Path(plan.checkpoints).parents[1], ranks=1, bad_steps="skip")
    assert changed.checkpoints == plan.checkpoints
    statuses, errors = run_ranks(changed, "nan", 12)
    assert statuses == [0], errors
    assert summary(changed)["skipped_steps"] == [13]
    assert "step 13 went wrong: its loss is nan; going back" in messages(changed)
    uninterrupted = plan_of(ranks=1, bad_steps="skip")
    statuses, errors = run_ranks(uninterrupted, "nan", 12)
    assert statuses == [0], errors
    assert curve(changed)["loss"].notna().all() and curve(changed)["grad_norm"].notna().all()
    assert_same_run(changed, uninterrupted)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for two checkpoints of 1.6 MB, but not for a third."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"only root can mount the small disk this needs: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_costs_no_checkpoint(plan_of: Callable[..., Plan], small_disk: Path) -> None:
    plan = plan_of(small_disk, ranks=1)
    statuses, errors = run_ranks(plan)
    assert statuses == [2]
    assert "a checkpoint needs 0.00" in errors
    assert "the last checkpoint is step-00000005. Make room and run the same command" in errors
    assert newest_step(plan) == 5

    subprocess.run(["mount", "-o", "remount,size=9m", str(small_disk)], check=True)
    filler = small_disk / "filler"
    statuses, errors = run_ranks(plan, "disk filled in save", 15, str(filler))
    assert statuses == [2]
    assert "step-00000015.partial cannot be written" in errors
    assert "No space left on device" in errors
    assert newest_step(plan) == 10

    # No room for a line of the log either, nor for the file that tells the launcher.
    filler.unlink()
    statuses, errors = run_ranks(plan, "disk filled", 11, str(filler))
    assert statuses == [2]
    assert "Make room and run the same command" in errors
    assert newest_step(plan) == 10

    filler.unlink()
    forked(plan)
    assert curve(plan)["step"].iloc[-1] == STEPS
    assert "resuming after step 10 of 30" in messages(plan)
