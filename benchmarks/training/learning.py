"""What BERT-tiny learns in CPU-minutes: of the shipped sample, of real documents, and from one before it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from malmoi.training.plan import Plan
from tools.training_runs import finish, held_out, make_run

from benchmarks import workflow
from benchmarks.training import corpus

#: Google's way of drawing pairs: a second segment of the same document or of any other one.
PAIRS = {**corpus.PAIRS, "mode": "google"}

LENGTH, MICRO_BATCH = 128, 32

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


class Curve(NamedTuple):
    """A run whose held-out curve is shown."""

    title: str
    steps: int
    batch: int


CURVES = {
    "sample": Curve("the shipped sample", 2000, 64),
    "documents": Curve("half of the real documents", 1500, 32),
}

#: Steps of each of the two runs of the other half that are compared.
FURTHER = 200


def measure(data: Path, work: Path) -> dict[str, float]:
    """Train on the sample and half of the documents, then on the other half from that model and from scratch.

    ``nsp_google_accuracy`` is of the sample's held-out documents after its run; figures
    ``learning_{corpus}_mlm_loss_at_…`` and ``learning_{corpus}_nsp_accuracy_at_…`` are the curves by step.
    ``continued_below_scratch_share`` is the share of the other half's held-out points, step 0 among them, at
    which the model that was there before has the lower MLM loss; ``continued_first``, ``continued_last``,
    ``scratch_first`` and ``scratch_last`` are the losses at both ends.
    """
    folder = work / "learning"
    shutil.rmtree(folder, ignore_errors=True)

    def run(
        name: str, files: list[Path], tokenizer: Path, curve: Curve, init: Path | None = None
    ) -> Plan:
        manifest = corpus.phase(
            files,
            tokenizer,
            folder / f"data_{name}",
            **{"length": LENGTH, "pairs": PAIRS, "duplicates": 8},
        )
        plan = make_run(
            manifest,
            folder / f"run_{name}",
            steps=curve.steps,
            batch_size=curve.batch,
            micro_batch_size=MICRO_BATCH,
            tokenizer=tokenizer,
            init=init,
            phase=f"l{LENGTH}",
            runtime={"log_every": 50, "held_out_every": curve.steps // POINTS},
            **RECIPE,
        )
        return finish(plan, limit=7200)

    halves, tokenizer = corpus.tokens(data, work)
    first, second = halves.values()
    sample = workflow.run(
        workflow.read_config(workflow.ROOT / "sample" / "config.yaml", workflow.ROOT),
        work / "sample",
        [f"results/tokens/{shard:04d}.arrow" for shard in range(2)],
    )
    runs = {
        "sample": run(
            "sample",
            sorted((sample / "tokens").glob("*.arrow")),
            sample / "tokenizer",
            CURVES["sample"],
        ),
        "documents": run("documents", [first], tokenizer, CURVES["documents"]),
    }
    values: dict[str, float] = {"learning_tolerance": TOLERANCE}
    for name, plan in runs.items():
        for _, row in held_out(plan).iterrows():
            for figure in ("mlm_loss", "nsp_accuracy"):
                values[f"learning_{name}_{figure}_at_{int(row['step']):04d}"] = float(row[figure])
    values["nsp_google_accuracy"] = float(held_out(runs["sample"])["nsp_accuracy"].iloc[-1])
    further = Curve("", FURTHER, CURVES["documents"].batch)
    before = Path(runs["documents"].model_output)
    scratch = held_out(run("scratch", [second], tokenizer, further))["mlm_loss"]
    continued = held_out(run("continued", [second], tokenizer, further, before))["mlm_loss"]
    assert len(scratch) == len(continued) == POINTS + 1
    for name, losses in (("scratch", scratch), ("continued", continued)):
        values[f"{name}_first"], values[f"{name}_last"] = map(float, losses.iloc[[0, -1]])
    values["continued_below_scratch_share"] = float((continued < scratch).mean())
    return values


def table(values: Mapping[str, Any]) -> list[str]:
    """Return the held-out curves as lines of Markdown, none where they were not measured."""
    lines = []
    for name, curve in CURVES.items():
        prefix = f"learning_{name}_mlm_loss_at_"
        steps = sorted(each.removeprefix(prefix) for each in values if each.startswith(prefix))
        if not steps:
            continue
        lines += [
            "",
            f"BERT-tiny on {curve.title}, {curve.steps:,} steps of {curve.batch} pairs of {LENGTH}",
            "tokens, drawn as Google's code does. The same command gives these held-out MLM losses",
            f"within {TOLERANCE:.0%} on another processor:",
            "",
            "| step | MLM loss | next-sentence accuracy |",
            "|---|---|---|",
        ]
        for step in steps:
            loss, right = (
                values[f"{prefix}{step}"],
                values[f"learning_{name}_nsp_accuracy_at_{step}"],
            )
            lines.append(f"| {int(step):,} | {loss:.3f} | {right:.3f} |")
    return lines
