"""Pretraining runs on made documents: small ones, started as users start them, for tests and benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
from malmoi.fingerprint import LIBRARY
from malmoi.instances.build import build_instances
from malmoi.instances.manifest import write_manifest
from malmoi.training.plan import Plan, make_plan
from malmoi.vocab import tokens
from transformers import BertTokenizerFast

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(chr(0xAC00 + n) for n in range(150))]

#: Columns of a run's log that no two runs have alike.
TIMED = ["seconds", "tokens_per_second", "data_wait", "flops_per_second", "mfu", "gpu_memory_gb"]

#: What the schema gives a run that names nothing, but for the sizes of a small one.
SETTINGS: dict[str, Any] = {
    "model": {"layers": 2, "hidden_size": 64, "heads": 2, "dropout": 0.1},
    "objective": "mlm+nsp",
    "max_position_embeddings": 64,
    "attention_dropout": None,
    "init": None,
    **{"optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 0.01},
    **{"betas": [0.9, 0.999], "epsilon": 1e-6, "gradient_clipping": 1.0},
    **{"schedule": "linear", "warmup_share": 0.1, "decay_share": 0.1, "final_share": 0.0},
    "z_loss": 0.0,
    "precision": "fp32",
    "bad_steps": {"action": "stop", "spike_factor": None, "most": 10},
    "held_out_instances": 20,
}
RUNTIME: dict[str, Any] = {
    **{"ranks": 1, "nodes": 1, "zero_stage": 1, "threads_per_rank": 1, "loader_workers": 0},
    **{"offload_optimizer": False, "compile": False, "peak_tflops": None},
    **{"log_every": 1, "held_out_every": 1000, "checkpoint_every": 1000},
    **{"keep_checkpoints": 2, "keep_checkpoints_every": None},
    **{"max_hours": None, "accept_code": False},
}

_LAUNCH = (
    "import sys; from malmoi.training.launch import launch; from malmoi.training.plan import Plan;"
    "launch(Plan.load(sys.argv[1]))"
)


def make_data(folder: Path, *, documents: int = 60, length: int = 64) -> Path:
    """Write a tokenizer and a phase of instances in which a piece foretells the next; return the manifest."""
    tokenizer = folder / "tokenizer"
    tokenizer.mkdir(parents=True)
    vocabulary = tokenizer / "vocab.txt"
    vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab=str(vocabulary), do_lower_case=False).save_pretrained(tokenizer)
    vocabulary.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    columns = tokens.schema(len(PIECES))
    table = pa.Table.from_pylist([_document(number) for number in range(documents)], schema=columns)
    path = folder / "tokens.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, columns) as writer:
        writer.write_table(table)
    for split in ("train", "validation"):
        build_instances(
            [path],
            vocabulary,
            **{"split": split, "phase": "made", "max_seq_length": length, "seed": 1},
            pairs={"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1},
            masking={
                **{"when": "static", "unit": "morpheme", "rate": 0.15, "final_rate": None},
                **{"functional_weight": 1.0, "span_mean": 3.0},
            },
            duplicates=2,
            output_path=folder / f"{split}.arrow",
            ledger_path=folder / "ledger.parquet",
            statistics_path=folder / f"{split}.json",
        )
    shards = {
        split: [(f"{split}.arrow", folder / f"{split}.json")] for split in ("train", "validation")
    }
    write_manifest("made", shards, folder / "manifest.json")
    return folder / "manifest.json"


def _document(number: int) -> dict[str, Any]:
    """Return a row of a tokens file: every second piece is the one before it and three."""
    draw = np.random.default_rng(number)
    length = int(draw.integers(60, 300))
    first = 5 + draw.zipf(1.6, length).clip(max=140)
    ids = np.where(np.arange(length) % 2, first, np.roll(first, 1) + 3)
    return {
        **{"doc_id": f"d{number:02}", "source": "made", "domain": "legal", "kind": "judgment"},
        **{"group": f"g{number}", "characters": length, "unit_starts": [3] * length},
        "split": "validation" if number % 6 == 0 else "train",
        "input_ids": ids.tolist(),
        "sentence_ends": np.unique(np.append(np.arange(12, length, 12), length)).tolist(),
    }


def make_run(
    manifest: Path,
    folder: Path,
    *,
    steps: int,
    batch_size: int = 16,
    micro_batch_size: int = 8,
    tokenizer: Path | None = None,
    init: Path | None = None,
    runtime: dict[str, Any] | None = None,
    phase: str = "made",
    seed: int = 11,
    **settings: Any,
) -> Plan:
    """Return the plan of a run in a folder of its own; ``settings`` and ``runtime`` go over those above."""
    return make_plan(
        settings={
            **SETTINGS,
            **settings,
            "phases": [
                {
                    **{"name": phase, "steps": steps},
                    **{"batch_size": batch_size, "micro_batch_size": micro_batch_size},
                }
            ],
            "runtime": {**RUNTIME, **(runtime or {})},
        },
        seed=seed,
        manifests=[str(manifest)],
        tokenizer=str(tokenizer or manifest.parent / "tokenizer"),
        init=str(init) if init else None,
        code="code",
        checkpoints=str(folder / "checkpoints"),
        model_output=str(folder / "model"),
        log_output=str(folder / "log"),
        message_log=str(folder / "messages.log"),
    )


def start(plan: Plan) -> subprocess.Popen:
    """Launch a plan from a process of its own, as Snakemake's script does; standard error is a pipe."""
    path = Path(plan.checkpoints) / "given.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    plan.save(path)
    return subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, str(path)],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(plan: Plan, limit: float = 900) -> Plan:
    """Launch a plan, wait for its end and return it.

    Raises:
        RuntimeError: it failed.
    """
    process = start(plan)
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    if process.returncode:
        raise RuntimeError(errors)
    return plan


def kill(process: subprocess.Popen) -> None:
    """SIGKILL a launcher and all it started, at once, and wait until they are gone."""
    found = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for one in found:
        if one.is_running():
            one.kill()
    process.communicate()
    psutil.wait_procs(found, timeout=60)


def curve(plan: Plan) -> pd.DataFrame:
    """Return the training log of a finished run without what no two runs have alike."""
    return pd.read_parquet(Path(plan.log_output) / "log.parquet").drop(columns=TIMED)


def held_out(plan: Plan) -> pd.DataFrame:
    """Return the held-out figures of a finished run."""
    return pd.read_parquet(Path(plan.log_output) / "held_out.parquet")


def weights(plan: Plan) -> bytes:
    """Return the exported weights of a finished run."""
    return (Path(plan.model_output) / "model.safetensors").read_bytes()
