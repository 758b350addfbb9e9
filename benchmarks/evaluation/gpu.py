"""Raw or position-aware vocabulary, pieces or morphemes masked: the preset `ablation_korean` on a GPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from benchmarks import workflow
from benchmarks.evaluation import table
from benchmarks.evaluation.items import write_decisions, write_items

#: What a machine with a GPU measured, for those without.
RESULTS = Path(__file__).parent / "gpu.json"
RECIPE = workflow.ROOT / "config" / "recipes" / "ablation_korean.yaml"

#: Tasks that are scored, each with its first figure.
TASKS = {"case_name": "macro_f1", "case_type": "macro_f1", "klue_ner": "entity_macro_f1"}

#: 200 million tokens for each arm: 12,500 steps of 128 sequences of 128 tokens.
PRETRAIN: dict[str, Any] = {
    **{"model": "small", "precision": "bf16", "learning_rate": 0.0005, "warmup_share": 0.05},
    "phases": [{"name": "l128", "steps": 12500, "batch_size": 128, "micro_batch_size": 128}],
    "runtime": {"ranks": 1, "threads_per_rank": 4, "log_every": 100, "held_out_every": 1000},
}


def measure(data: Path, work: Path) -> dict[str, float | None]:
    """Return a mean and its interval's ends per arm and task: measured now where there is a GPU, else null.

    A machine without one gives what ``gpu.json`` says another measured.
    """
    if torch.cuda.is_available():
        figures = run(data, work)
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        return figures
    nothing = dict.fromkeys(
        f"gpu_{arm}_{task}_{metric}" for arm in arms() for task, metric in TASKS.items()
    )
    return nothing | (json.loads(RESULTS.read_text()) if RESULTS.is_file() else {})


def run(data: Path, work: Path) -> dict[str, float]:
    """Train all arms on equal tokens of the table's corpus and fine-tune each with three seeds."""
    write_items(data, work / "items")
    write_decisions(data, work / "decisions")
    settings = table.config(data, work)
    settings["vocabulary"]["size"] = 32000
    settings["instances"]["duplicates"] = 5
    settings["pretrain"] |= PRETRAIN
    tasks = [task for task in settings["evaluate"]["tasks"] if task["name"] in TASKS]
    for task in tasks:
        task["learning_rates"] = [5e-5, 1e-4, 3e-4]
    settings["evaluate"]["tasks"] = tasks
    settings["experiments"] = arms()
    results = workflow.run(settings, work / "gpu", ["results/evaluation/comparison.csv"], cores=8)
    rows = pd.read_csv(results / "evaluation" / "comparison.csv")
    rows = rows[(rows["split"] == "test") & (rows["model"] == "trained")]
    figures = {}
    for row in rows.itertuples():
        if TASKS.get(row.evaluation) == row.metric:
            name = f"gpu_{row.experiment}_{row.evaluation}_{row.metric}"
            figures |= {name: row.value, f"{name}_low": row.low, f"{name}_high": row.high}
    return figures


def arms() -> dict[str, Any]:
    """Return the recipe's experiments."""
    experiments = yaml.safe_load(RECIPE.read_text("utf-8"))["experiments"]
    return {name: own for name, own in experiments.items() if own is not None}
