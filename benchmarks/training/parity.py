"""ZeRO stages 0 to 3 on one and two ranks in float32 and bfloat16: one model, one curve."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import psutil
from malmoi.training.plan import Plan
from tools.training_runs import curve, kill, make_data, make_run, start

STEPS = 50

CASES = [
    (stage, ranks, precision)
    for precision in ("fp32", "bf16")
    for ranks in (1, 2)
    for stage in (1, 0, 2, 3)
]


def measure(data: Path, work: Path) -> dict[str, float]:
    """Train the same model in every way and compare the last losses; ``data`` is not used.

    ``parity_max_rel`` is the largest difference of the loss at step 50, relative to that of stage 1 on one rank
    in float32; ``parity_max_rel_fp32`` the same of the runs in float32. By case (``parity_loss_z3_r2_bf16``):
    the loss, the seconds of the 50 steps and the peak memory of a rank in megabytes. Dropout is 0, since its
    random numbers belong to ranks.
    """
    folder = work / "parity"
    shutil.rmtree(folder, ignore_errors=True)
    manifest = make_data(folder / "data", documents=200)
    values: dict[str, float] = {}
    for case in CASES:
        stage, ranks, precision = case
        plan = make_run(
            manifest,
            folder / _name(*case),
            steps=STEPS,
            batch_size=64,
            micro_batch_size=32,
            model={"layers": 2, "hidden_size": 128, "heads": 2, "dropout": 0.0},
            learning_rate=1e-3,
            precision=precision,
            runtime={"zero_stage": stage, "ranks": ranks},
        )
        peak = _watched(plan)
        seconds = pd.read_parquet(Path(plan.log_output) / "log.parquet")["seconds"].sum()
        values[f"parity_loss_{_name(*case)}"] = curve(plan)["loss"].iloc[-1]
        values[f"parity_seconds_{_name(*case)}"] = round(float(seconds), 2)
        values[f"parity_peak_mb_{_name(*case)}"] = round(peak, 1)
    wanted = values[f"parity_loss_{_name(*CASES[0])}"]
    apart = {case: abs(values[f"parity_loss_{_name(*case)}"] / wanted - 1) for case in CASES}
    values["parity_max_rel"] = max(apart.values())
    values["parity_max_rel_fp32"] = max(apart[case] for case in CASES if case[2] == "fp32")
    return values


def table(values: Mapping[str, float]) -> list[str]:
    """Return the cases as lines of Markdown, none where they were not measured."""
    first = values.get(f"parity_loss_{_name(*CASES[0])}")
    if first is None:
        return []
    lines = [
        "",
        f"ZeRO stages, ranks and precisions after {STEPS} steps (`--only parity` prints and writes this):",
        "",
        "| stage | ranks | precision | loss | relative difference | seconds | peak MB of a rank |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in sorted(CASES, key=lambda case: (case[2], case[1], case[0]), reverse=False):
        loss, seconds, peak = (
            values[f"parity_{what}_{_name(*case)}"] for what in ("loss", "seconds", "peak_mb")
        )
        stage, ranks, precision = case
        lines.append(
            f"| {stage} | {ranks} | {precision} | {loss:.6f} | {loss / first - 1:+.1e} | "
            f"{seconds:.1f} | {peak:.0f} |"
        )
    return lines


def _name(stage: int, ranks: int, precision: str) -> str:
    return f"z{stage}_r{ranks}_{precision}"


def _watched(plan: Plan) -> float:
    """Run a plan and return the most memory that one of its ranks held, in megabytes."""
    process, peaks = start(plan), [0.0]
    try:
        while process.poll() is None:
            for each in psutil.Process(process.pid).children(recursive=True):
                peaks.append(_peak_of_rank(each))
            time.sleep(0.5)
    except psutil.NoSuchProcess:
        pass
    except BaseException:
        kill(process)
        raise
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors)
    return max(peaks)


def _peak_of_rank(process: psutil.Process) -> float:
    try:
        if "malmoi.training" not in process.cmdline() or "--standalone" in process.cmdline():
            return 0.0
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except (psutil.NoSuchProcess, OSError):
        return 0.0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found[1]) / 1000 if found else 0.0  # a process that ended has none
