"""What BERT-tiny learns of real documents in CPU-minutes, from nothing and from a model that exists."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from malmoi.training.plan import Plan
from tools.training_runs import finish, held_out, make_run

from benchmarks.training import corpus

#: Google's way of drawing pairs: a second segment of the same document or of any other one.
PAIRS = {**corpus.PAIRS, "mode": "google"}

LENGTH, BATCH = 128, 32

#: Steps of the first run, and of each of the two that are compared.
STEPS, FURTHER = 3000, 200

#: Points of each held-out curve.
POINTS = 10

#: How far the same command's held-out MLM losses may be from those written down, relative: sums have another
#: order on another processor.
TOLERANCE = 0.01

RECIPE: dict[str, Any] = {
    "model": {"layers": 2, "hidden_size": 128, "heads": 2, "dropout": 0.0},  # BERT-tiny
    "max_position_embeddings": LENGTH,
    **{"learning_rate": 2e-3, "weight_decay": 0.01, "warmup_share": 0.1},
    "held_out_instances": 1000,
}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Train on half of the documents, then on the other half from that model and from scratch.

    ``nsp_google_accuracy`` and ``learning_mlm_loss`` are of held-out documents after the first run;
    ``learning_mlm_loss_at_…`` and ``nsp_google_accuracy_at_…`` are the curves by step.
    ``continued_below_scratch_share`` is the share of the other half's held-out points, step 0 among them, at
    which the model that was there before has the lower MLM loss; ``continued_first``, ``continued_last``,
    ``scratch_first`` and ``scratch_last`` are the losses at both ends.
    """
    files, tokenizer = corpus.tokens(data, work)
    folder = work / "learning"
    shutil.rmtree(folder, ignore_errors=True)
    first, second = (
        corpus.phase(
            [file],
            tokenizer,
            folder / half,
            **{"length": LENGTH, "pairs": PAIRS, "duplicates": 5},
        )
        for half, file in files.items()
    )

    def run(manifest: Path, name: str, steps: int, init: Path | None = None) -> Plan:
        return finish(
            make_run(
                manifest,
                folder / f"run_{name}",
                steps=steps,
                batch_size=BATCH,
                micro_batch_size=BATCH,
                tokenizer=tokenizer,
                init=init,
                phase=f"l{LENGTH}",
                runtime={"log_every": 50, "held_out_every": steps // POINTS},
                **RECIPE,
            ),
            limit=7200,
        )

    whole = run(first, "first", STEPS)
    curve = held_out(whole)
    values = {
        "nsp_google_accuracy": float(curve["nsp_accuracy"].iloc[-1]),
        "learning_mlm_loss": float(curve["mlm_loss"].iloc[-1]),
        "learning_mlm_accuracy": float(curve["mlm_accuracy"].iloc[-1]),
        "learning_tolerance": TOLERANCE,
    }
    for step, loss, right in zip(
        curve["step"], curve["mlm_loss"], curve["nsp_accuracy"], strict=True
    ):
        values[f"learning_mlm_loss_at_{step:04d}"] = float(loss)
        values[f"nsp_google_accuracy_at_{step:04d}"] = float(right)
    scratch = held_out(run(second, "scratch", FURTHER))["mlm_loss"]
    continued = held_out(run(second, "continued", FURTHER, Path(whole.model_output)))["mlm_loss"]
    assert len(scratch) == len(continued) == POINTS + 1
    for name, losses in (("scratch", scratch), ("continued", continued)):
        values[f"{name}_first"], values[f"{name}_last"] = map(float, losses.iloc[[0, -1]])
    values["continued_below_scratch_share"] = float((continued < scratch).mean())
    return values


def table(values: Mapping[str, Any]) -> list[str]:
    """Return the first run's held-out curve as lines of Markdown, none where it was not measured."""
    prefix = "learning_mlm_loss_at_"
    steps = sorted(name.removeprefix(prefix) for name in values if name.startswith(prefix))
    if not steps:
        return []
    lines = [
        "",
        f"BERT-tiny on half of the documents, {STEPS} steps of {BATCH} pairs of {LENGTH} tokens. The same",
        f"command gives these held-out MLM losses within {TOLERANCE:.0%} on another processor:",
        "",
        "| step | MLM loss | next-sentence accuracy |",
        "|---|---|---|",
    ]
    for step in steps:
        loss, right = values[f"{prefix}{step}"], values[f"nsp_google_accuracy_at_{step}"]
        lines.append(f"| {int(step):,} | {loss:.3f} | {right:.3f} |")
    return lines
