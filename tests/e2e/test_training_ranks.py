"""Whole pretraining runs on two gloo ranks: killed, stopped, damaged and taken up again."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest
import torch
from malmoi.fingerprint import LIBRARY
from malmoi.instances.build import build_instances
from malmoi.instances.manifest import write_manifest
from malmoi.training import checkpoint
from malmoi.training.plan import Plan, make_plan
from malmoi.vocab import tokens
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertForPreTraining, BertTokenizerFast

pytestmark = pytest.mark.training

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(chr(0xAC00 + n) for n in range(150))]
STEPS = 30
#: Neither divides the other, so that a run taken up again begins within a window of the log.
LOG_EVERY, SAVE_EVERY = 4, 5
TIMED = ["seconds", "tokens_per_second", "data_wait", "flops_per_second", "mfu", "gpu_memory_gb"]
LAUNCH = (
    "import sys; from malmoi.training.launch import launch; from malmoi.training.plan import Plan;"
    "launch(Plan.load(sys.argv[1]))"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer and a phase of instances in which a piece foretells the next."""
    folder = tmp_path_factory.mktemp("data")
    vocabulary = folder / "tokenizer" / "vocab.txt"
    vocabulary.parent.mkdir()
    vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(vocabulary), do_lower_case=False).save_pretrained(vocabulary.parent)
    vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    columns = tokens.schema(len(PIECES))
    draw = np.random.default_rng(3)
    rows = []
    for number in range(60):
        length = int(draw.integers(60, 300))
        first = 5 + draw.zipf(1.6, length).clip(max=140)
        ids = np.where(np.arange(length) % 2, first, np.roll(first, 1) + 3)
        ends = np.unique(np.append(np.arange(12, length, 12), length))
        rows.append(
            {
                **{"doc_id": f"d{number:02}", "source": "made", "domain": "legal"},
                **{"kind": "judgment", "group": f"g{number}"},
                "split": "validation" if number % 6 == 0 else "train",
                "characters": length,
                "input_ids": ids.tolist(),
                "sentence_ends": ends.tolist(),
                "unit_starts": [3] * length,
            }
        )
    path = folder / "tokens.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, columns) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=columns))
    for split in ("train", "validation"):
        build_instances(
            [path],
            vocabulary,
            split=split,
            phase="short",
            max_seq_length=32,
            pairs={"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1},
            masking={
                "when": "static",
                **{"unit": "morpheme", "rate": 0.15, "final_rate": None},
                **{"functional_weight": 1.0, "span_mean": 3.0},
            },
            duplicates=2,
            seed=1,
            output_path=folder / f"{split}.arrow",
            ledger_path=folder / "ledger.parquet",
            statistics_path=folder / f"{split}.json",
        )
    write_manifest(
        "short",
        {
            split: [(f"{split}.arrow", folder / f"{split}.json")]
            for split in ("train", "validation")
        },
        folder / "manifest.json",
    )
    return folder


@pytest.fixture(scope="module")
def plan_of(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Plan]:
    """Return a function that plans a run in a folder of its own, or in ``folder``."""

    def plan(
        folder: Path | None = None,
        *,
        ranks: int = 2,
        stage: int = 1,
        dropout: float = 0.1,
        micro: int = 4,
        offload: bool = False,
    ) -> Plan:
        folder = folder or tmp_path_factory.mktemp("run")
        return make_plan(
            settings={
                "model": {"layers": 2, "hidden_size": 64, "heads": 2, "dropout": dropout},
                "max_position_embeddings": 32,
                "phases": [
                    {
                        **{"name": "short", "steps": STEPS},
                        **{"batch_size": 16, "micro_batch_size": micro},
                    }
                ],
                "learning_rate": 5e-3,
                **{"schedule": "linear", "warmup_share": 0.1, "final_share": 0.0},
                "weight_decay": 0.01,
                "betas": [0.9, 0.999],
                "epsilon": 1e-6,
                "gradient_clipping": 1.0,
                "precision": "fp32",
                "objective": "mlm+nsp",
                "optimizer": "adamw",
                "attention_dropout": dropout,
                "z_loss": 0.0,
                "schedule": "linear",
                "decay_share": 0.1,
                "final_share": 0.0,
                "bad_steps": {"action": "stop", "spike_factor": None, "most": 10},
                "held_out_instances": 20,
                "runtime": {
                    "ranks": ranks,
                    "nodes": 1,
                    "threads_per_rank": 1,
                    "max_hours": None,
                    "compile": False,
                    "accept_code": False,
                    "peak_tflops": None,
                    "keep_checkpoints_every": None,
                    "zero_stage": stage,
                    "offload_optimizer": offload,
                    "loader_workers": 1,
                    "checkpoint_every": SAVE_EVERY,
                    "keep_checkpoints": 2,
                    "log_every": LOG_EVERY,
                    "held_out_every": 10,
                },
            },
            seed=11,
            manifests=[str(data / "manifest.json")],
            tokenizer=str(data / "tokenizer"),
            code="code",
            checkpoints=str(folder / "checkpoints"),
            model_output=str(folder / "model"),
            log_output=str(folder / "log"),
            message_log=str(folder / "messages.log"),
        )

    return plan


def start(plan: Plan) -> subprocess.Popen:
    """Launch a plan from a process of its own, as Snakemake's script does."""
    folder = Path(plan.checkpoints)
    folder.mkdir(parents=True, exist_ok=True)
    plan.save(folder / "given.json")
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(folder / "given.json")],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(plan: Plan) -> tuple[int, str]:
    """Launch a plan and return its exit status and what it wrote to standard error."""
    process = start(plan)
    try:
        _, errors = process.communicate(timeout=400)
    except subprocess.TimeoutExpired:
        end(process)
        raise
    return process.returncode, errors


def finished(plan: Plan) -> Plan:
    status, errors = run(plan)
    assert status == 0, errors
    return plan


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def end(process: subprocess.Popen) -> None:
    for one in [*descendants(process), process]:
        one.kill()


def rows_so_far(plan: Plan) -> list[dict]:
    path = Path(plan.checkpoints) / "log.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if "\n" in line]


def wait_for_step(plan: Plan, process: subprocess.Popen, step: int) -> None:
    """Wait until a running plan logged ``step`` and has a checkpoint."""
    limit = time.monotonic() + 180
    while time.monotonic() < limit:
        assert process.poll() is None, process.communicate()[1]
        done = max((row["step"] for row in rows_so_far(plan)), default=0)
        if done >= step and checkpoint.complete_names(Path(plan.checkpoints)):
            return
        time.sleep(0.005)
    end(process)
    raise AssertionError(f"step {step} was never logged")


def weights(plan: Plan) -> bytes:
    return (Path(plan.model_output) / "model.safetensors").read_bytes()


def losses(plan: Plan) -> pd.DataFrame:
    return pd.read_parquet(Path(plan.log_output) / "log.parquet").drop(columns=TIMED)


def assert_same_run(plan: Plan, reference: Plan) -> None:
    pd.testing.assert_frame_equal(losses(plan), losses(reference), check_exact=True)
    pd.testing.assert_frame_equal(
        pd.read_parquet(Path(plan.log_output) / "held_out.parquet"),
        pd.read_parquet(Path(reference.log_output) / "held_out.parquet"),
        check_exact=True,
    )
    assert weights(plan) == weights(reference)


@pytest.fixture(scope="module")
def whole(plan_of: Callable[..., Plan]) -> Plan:
    """An uninterrupted run on two ranks at ZeRO stage 1."""
    return finished(plan_of())


def copy_of(plan: Plan, folder: Path) -> Plan:
    """Return the plan in another folder, with a copy of its checkpoints."""
    target = folder / "checkpoints" / Path(plan.checkpoints).name
    shutil.copytree(plan.checkpoints, target)
    return replace(
        plan,
        checkpoints=str(target),
        model_output=str(folder / "model"),
        log_output=str(folder / "log"),
        message_log=str(folder / "messages.log"),
    )


def test_two_ranks_learn_and_log_every_step(whole: Plan) -> None:
    log = losses(whole)
    assert log["step"].tolist() == [*range(LOG_EVERY, STEPS, LOG_EVERY), STEPS]
    assert log["mlm_loss"].iloc[-1] < log["mlm_loss"].iloc[0] - 0.5
    held_out = pd.read_parquet(Path(whole.log_output) / "held_out.parquet")
    assert held_out["step"].tolist() == [0, 10, 20, 30]
    assert held_out["mlm_loss"].is_monotonic_decreasing
    summary = json.loads((Path(whole.log_output) / "summary.json").read_text())
    assert (summary["steps"], summary["ranks"], summary["zero_stage"]) == (STEPS, 2, 1)
    assert summary["fingerprint"] == whole.fingerprint
    assert summary["tokens"] == log["tokens"].sum()
    assert (Path(whole.log_output) / "loss.png").stat().st_size > 1000


def test_the_export_loads_in_plain_transformers_with_the_checkpoint_s_weights(whole: Plan) -> None:
    model, report = BertForPreTraining.from_pretrained(whole.model_output, output_loading_info=True)
    assert not any(report.values()), report
    tied = model.get_output_embeddings().weight
    assert tied.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    summary = json.loads((Path(whole.log_output) / "summary.json").read_text())
    assert summary["parameters"] == model.num_parameters()
    saved = torch.load(
        Path(whole.checkpoints) / checkpoint.name_of(STEPS) / "state-00000.safetensors",
        weights_only=False,
    )["module"]
    exported = load_file(Path(whole.model_output) / "model.safetensors")
    assert set(exported) <= {name.removeprefix("model.") for name in saved}
    for name, value in exported.items():
        assert torch.equal(value, saved[f"model.{name}"]), name
    tokenizer = AutoTokenizer.from_pretrained(whole.model_output)
    assert tokenizer.convert_tokens_to_ids(PIECES) == list(range(len(PIECES)))
    assert tokenizer.model_max_length == 32


@pytest.mark.parametrize("stage", [1, 3])
def test_a_killed_run_ends_as_if_nothing_had_happened(
    stage: int, whole: Plan, plan_of: Callable[..., Plan]
) -> None:
    reference = whole if stage == 1 else finished(plan_of(stage=stage))
    plan = plan_of(stage=stage)
    process = start(plan)
    wait_for_step(plan, process, random.Random(stage).randrange(8, 24))
    torchrun, *ranks = descendants(process)
    assert len(ranks) >= 2
    process.kill()
    torchrun.kill()
    # The ranks are in sessions of their own: a signal to the launcher's group does not reach them.
    assert not psutil.wait_procs(ranks, timeout=30)[1]
    process.communicate()
    assert checkpoint.name_of(STEPS) not in checkpoint.complete_names(Path(plan.checkpoints))
    assert_same_run(finished(plan), reference)
    assert "resuming after step" in Path(plan.message_log).read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=["SIGTERM", "SIGUSR1"])
def test_a_run_asked_to_stop_saves_and_goes_on_later(
    number: signal.Signals, whole: Plan, plan_of: Callable[..., Plan]
) -> None:
    plan = plan_of()
    process = start(plan)
    wait_for_step(plan, process, 8)
    ranks = descendants(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 1
    assert "RuntimeError: pretraining" in errors and "goes on from there" in errors
    assert not [rank for rank in ranks if rank.is_running()]
    saved = checkpoint.newest(Path(plan.checkpoints))
    assert saved is not None and 8 <= saved["step"] < STEPS
    assert f"saved after step {saved['step']}" in Path(plan.message_log).read_text()
    if number == signal.SIGTERM:
        assert_same_run(finished(plan), whole)


def test_a_damaged_last_checkpoint_is_passed_over(whole: Plan, tmp_path: Path) -> None:
    plan = copy_of(whole, tmp_path)
    damaged = Path(plan.checkpoints) / checkpoint.name_of(STEPS) / "state-00000.safetensors"
    os.truncate(damaged, damaged.stat().st_size // 2)
    assert_same_run(finished(plan), whole)
    messages = Path(plan.message_log).read_text()
    assert "is damaged and passed over: state-00000.safetensors" in messages
    assert "resuming after step 25 of 30" in messages
    newest = checkpoint.newest(Path(plan.checkpoints))
    assert newest is not None and newest["step"] == STEPS


def test_a_finished_run_is_only_exported_again(whole: Plan, tmp_path: Path) -> None:
    plan = copy_of(whole, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in Path(plan.checkpoints).glob("step-*/*")}
    assert_same_run(finished(plan), whole)
    assert before == {
        path: path.stat().st_mtime_ns for path in Path(plan.checkpoints).glob("step-*/*")
    }
    assert "INFO step " not in Path(plan.message_log).read_text()


def test_one_process_without_launcher_accumulates_to_the_same_losses(
    plan_of: Callable[..., Plan],
) -> None:
    """Dropout is 0, since its random numbers belong to ranks and micro-batches."""
    two = finished(plan_of(dropout=0.0, micro=8))
    one = plan_of(dropout=0.0, micro=4, ranks=1)
    one.save(Path(one.checkpoints) / "plan.json")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    }
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # In use by this test or by something else: either way it is not free.
        try:
            taken.bind(("127.0.0.1", 29500))
            taken.listen()
        except OSError:
            pass
        done = subprocess.run(
            [
                *(sys.executable, "-m", "malmoi.training"),
                str(Path(one.checkpoints) / "plan.json"),
            ],
            env={
                **environment,
                "PYTHONPATH": str(LIBRARY),
                "DS_ACCELERATOR": "cpu",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            timeout=400,
        )
    assert done.returncode == 0, done.stderr
    for name in ("mlm_loss", "nsp_loss", "grad_norm"):
        assert losses(one)[name].tolist() == pytest.approx(losses(two)[name].tolist(), rel=1e-5)
    assert losses(one)["tokens"].tolist() == losses(two)["tokens"].tolist()


def test_another_number_of_ranks_is_refused_in_words(
    whole: Plan, plan_of: Callable[..., Plan], tmp_path: Path
) -> None:
    copied = copy_of(whole, tmp_path)
    plan = plan_of(tmp_path, ranks=1)
    assert plan.checkpoints == copied.checkpoints
    status, errors = run(plan)
    assert status == 1
    last = errors.strip().splitlines()[-1]
    assert last.startswith("malmoi.errors.InputError: checkpoint ")
    assert "made by 2 ranks at ZeRO stage 1, this run has 1 at stage 1" in last
    assert "set pretrain.runtime back, or delete the folder" in last
    assert "was made by 2 ranks" in Path(plan.message_log).read_text()
