"""The memorisation audit of a model with canaries in its text, with and without deduplication."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from malmoi import documents
from malmoi.atomic import write_json, write_parquet
from malmoi.audit import canaries
from malmoi.audit.model_audit import audit_model
from malmoi.curate.duplicates import find_duplicates

from benchmarks.evaluation import small_models

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "config.schema.yaml"
SEED = 20

#: Passes over the corpus.
PASSES = 8


def measure(data: Path, work: Path) -> dict[str, Any]:
    """Return exposure by count, and what membership tells, with and without deduplication."""
    torch.set_num_threads(1)
    settings = defaults()
    texts = small_models.decisions(data)
    words = small_models.tokenizer(texts["train"], work / "tokenizer")
    tokens, segments = small_models.corpus_files(texts, words, work)
    table, ledger = work / "canaries.csv", work / "canaries-ledger.parquet"
    planted = work / "planted.parquet"
    canaries.plant(
        SEED, settings["counts"], settings["per_format"], planted, work / "digest", table, ledger
    )
    figures: dict[str, Any] = {}
    for name, copies in (
        ("", [row["text"] for row in documents.read([planted], ["text"])]),
        ("_deduplicated", _deduplicated(planted, work)),
    ):
        model = work / f"model{name}"
        rows = small_models.chunks([*texts["train"], *copies], words)
        loss = small_models.train(rows, words, PASSES, model)
        summary = work / "summary.json"
        write_json(summary, {"tokens": PASSES * sum(map(len, rows))})
        outputs = [work / f"audit{name}.{kind}" for kind in ("json", "csv", "png")]
        start = time.process_time()
        found = audit_model(
            model, tokens, segments, table, summary, settings, SEED, *outputs, threads=1
        )
        for row in found["exposure"]:
            figures[f"canary_exposure{name}_{row['count']}"] = row["bits"]
        figures[f"audit_cpu_seconds{name}"] = time.process_time() - start
        figures[f"audit_training_loss{name}"] = loss
        for attack in ("loss", "ratio", "counts"):
            area = found["membership"]["attacks"][attack]["auc"]["value"]
            figures[f"audit_membership_{attack}{name}"] = area
    figures["canary_exposure_grows"] = _grows(figures, settings["counts"])
    return figures


def defaults() -> dict[str, Any]:
    """Return the settings of an audit that nobody changed."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]["evaluate"]
    properties = schema["properties"]["audit"]["properties"]
    return {name: setting["default"] for name, setting in properties.items()}


def _deduplicated(planted: Path, work: Path) -> list[str]:
    """Return the texts that are left when the canaries go through malmoi's own search for duplicates."""
    rows = [{name: row[name] for name in documents.FIELDS} for row in documents.read([planted])]
    write_parquet(work / "before" / "0000.parquet", documents.table(rows))
    find_duplicates(
        [work / "before" / "0000.parquet"],
        {"near": True, "threshold": 0.8},
        work / "dedup" / "clusters.parquet",
        [work / "dedup" / "0000.parquet"],
        [work / "dedup" / "0000.sha256"],
    )
    dropped = set(pd.read_parquet(work / "dedup" / "0000.parquet")["doc_id"])
    return [row["text"] for row in rows if row["doc_id"] not in dropped]


def _grows(figures: dict[str, Any], counts: list[int]) -> float:
    """Return the rank correlation of count and exposure."""
    bits = [figures[f"canary_exposure_{count}"] for count in counts]
    return float(pd.Series(counts).rank().corr(pd.Series(bits).rank()))
