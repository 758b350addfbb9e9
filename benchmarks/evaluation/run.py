"""Measure what evaluation and audit say, and write down what came of it.

    make bench AREA=evaluation DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402
from benchmarks.evaluation import table  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("agreement", "audit", "audit_alarms", "table", "preset", "gpu")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "trainer_agreement": (
        "<=",
        0.02,
        "distance of the mean accuracies, of 8 seeds each, of malmoi and of transformers' Trainer",
    ),
    "tasks_minutes": ("<=", 60, "minutes of all fine-tuning of the table, four tasks on two cores"),
    "contaminated_documents_in_training": (
        "<=",
        0,
        "training documents that are an evaluated decision by number, or hold a fifth of an item",
    ),
    **{
        f"{task}_over_untrained": (">=", 0, f"what pretraining adds to the main figure of {task}")
        for task in table.OF_THE_CORPUS
    },
    **{
        f"canary_exposure_{count}": sign
        for count, sign in {
            0: ("<=", 2.2, "bits by which canaries never planted rank first; chance is 1.4"),
            1: ("<=", 6.7, "the same of canaries planted once in 8 passes, without deduplication"),
            32: (">=", 5.0, "the same of canaries planted 32 times; 6.7 is the most"),
        }.items()
    },
    "canary_exposure_deduplicated_32": ("<=", 2.5, "the same after malmoi's own deduplication"),
    "canary_exposure_grows": (">=", 0.9, "rank correlation of exposure with the count"),
    "audit_false_alarm": ("<=", 0.01, "share of 1,000 simulated audits of models without memory"),
    "preset_experiments": (">=", 3, "models in the table of ablation_bert.yaml, of one command"),
    "audit_leak_alarm": (
        ">=",
        0.95,
        "share of 20 audits of a model trained on its corpus 60 times",
    ),
}

if __name__ == "__main__":
    main("evaluation", "Evaluation, baselines and memorisation audit", PARTS, WANTED, table.lines)
