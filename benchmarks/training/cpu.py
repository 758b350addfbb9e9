"""Tokens per CPU-second of malmoi's loop beside one of plain transformers and DeepSpeed."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from malmoi.fingerprint import LIBRARY
from malmoi.training.model import SIZES
from malmoi.training.plan import Plan
from tools.training_runs import make_run

from benchmarks.training import corpus

ROOT = Path(__file__).resolve().parents[2]

#: Timed steps of each turn by size, and turns of each loop.
STEPS, TURNS = {"mini": 8, "tiny": 20}, 3

BATCH = 32


def measure(data: Path, work: Path) -> dict[str, float]:
    """Train on the same real instances of length 128 in both loops, turn by turn, on one thread each.

    The plain loop pads to 128, computes all positions and uses transformers' own attention with a mask; both
    use ZeRO 1, AdamW, dropout 0.1, float32 and the same global batches. ``cpu_ratio_vs_plain`` is the ratio of
    tokens, padding not counted, per CPU-second (user and system, steps and their data) for BERT-mini, the
    median of the turns; ``…_tiny`` the same for BERT-tiny. Peak memory is of the whole process.
    """
    files, tokenizer = corpus.tokens(data, work)
    folder = work / "cpu"
    shutil.rmtree(folder, ignore_errors=True)
    manifest = corpus.phase(
        list(files.values()),
        tokenizer,
        folder / "instances",
        **{"length": 128, "pairs": corpus.PAIRS, "duplicates": 1},
    )
    values: dict[str, float] = {}
    for size, steps in STEPS.items():
        suffix = "" if size == "mini" else f"_{size}"
        layers, hidden, heads = SIZES[size]
        plan = make_run(
            manifest,
            folder / size,
            steps=steps + 3,
            batch_size=BATCH,
            micro_batch_size=BATCH,
            tokenizer=tokenizer,
            phase="l128",
            model={"layers": layers, "hidden_size": hidden, "heads": heads, "dropout": 0.1},
            max_position_embeddings=128,
            learning_rate=1e-4,
            runtime={"log_every": 10},
        )
        turns = [{loop: _turn(loop, plan) for loop in ("ours", "plain")} for _ in range(TURNS)]
        for loop in ("ours", "plain"):
            speeds = [turn[loop]["tokens"] / turn[loop]["cpu_seconds"] for turn in turns]
            peaks = [turn[loop]["peak_mb"] for turn in turns]
            values[f"cpu_tokens_per_s_{loop}{suffix}"] = statistics.median(speeds)
            values[f"cpu_peak_mb_{loop}{suffix}"] = statistics.median(peaks)
        values[f"cpu_ratio_vs_plain{suffix}"] = statistics.median(
            turn["plain"]["cpu_seconds"] / turn["ours"]["cpu_seconds"] for turn in turns
        )
    return values


def _turn(loop: str, plan: Plan) -> dict[str, float]:
    root = Path(plan.checkpoints)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    plan.save(root / "plan.json")
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.training.loops", loop, str(root / "plan.json")],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(LIBRARY), str(ROOT), str(ROOT / "tests")]),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **{"OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"},
            "PYTHONWARNINGS": "ignore::FutureWarning",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])
