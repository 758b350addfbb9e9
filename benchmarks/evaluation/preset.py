"""The table of the preset `config/recipes/ablation_bert.yaml` on the shipped sample, with a tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks import workflow

ROOT = workflow.ROOT

#: Training steps of each phase and epochs of each task: a quarter and a third of the demonstration's.
STEPS, EPOCHS = {"l64": 300, "l128": 50}, 4


def measure(data: Path, work: Path) -> dict[str, float]:
    """Run the preset with one command and return what its table says of each experiment's trained model.

    Figures are ``preset_{experiment}_{evaluation}_{metric}``; ``preset_experiments`` counts the experiments
    with a fingerprint of their own. ``data`` is not used.
    """
    results = workflow.run(config(), work / "preset", ["results/evaluation/comparison.csv"])
    rows = pd.read_csv(results / "evaluation" / "comparison.csv")
    figures: dict[str, float] = {"preset_experiments": rows["fingerprint"].nunique()}
    trained = rows[(rows["split"] == "test") & (rows["model"] == "trained")]
    for row in trained.itertuples():
        name = f"preset_{row.experiment}_{row.evaluation}_{row.metric}".replace("-", "_")
        if pd.notna(row.value):
            figures[name] = float(row.value)
    return figures


def config() -> dict[str, Any]:
    """Return the sample's configuration with the preset's experiments and fewer steps."""
    settings, preset = (
        yaml.safe_load((ROOT / path).read_text("utf-8"))
        for path in ("sample/config.yaml", "config/recipes/ablation_bert.yaml")
    )
    experiments = settings["experiments"] | preset["experiments"]
    settings["experiments"] = {name: own for name, own in experiments.items() if own is not None}
    for source in settings["corpus"]["sources"]:
        source["path"] = str(ROOT / source["path"])
    for phase in settings["pretrain"]["phases"]:
        phase["steps"] = STEPS[phase["name"]]
    for task in settings["evaluate"]["tasks"]:
        task["epochs"] = EPOCHS
    return settings
