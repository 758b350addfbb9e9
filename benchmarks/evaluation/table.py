"""The whole table: a BERT-mini pretrained here beside its baselines on tasks of which it has read nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import yaml

from benchmarks import workflow
from benchmarks.area import Figure
from benchmarks.evaluation.items import SERIAL, write_decisions, write_items
from benchmarks.evaluation.overlap import overlaps

HERE = Path(__file__).parent
EXPERIMENT = "mini"

#: A part of the archive beside the sources of benchmarks/pipeline.
ARCHIVE: dict[str, Any] = {
    **{"name": "archive", "path": "decisions", "pattern": "*.md", "domain": "legal"},
    **{"kind": "judgment", "license": "Korean Copyright Act, Art. 7"},
    "fields": {"title": "사건명", "date": "선고일자", "group": "사건번호", "label": "사건종류"},
}

#: The main figure of each task.
TASKS = {
    "case_name": "macro_f1",
    "case_type": "macro_f1",
    "klue_ner": "entity_macro_f1",
    "klue_sts": "pearson",
}

#: The task that takes longest.
LONGEST = f"results/evaluation/{EXPERIMENT}/task-case_name.json"

#: Tasks of the kind of text that the model was trained on; KLUE's are news and reviews.
OF_THE_CORPUS = ("case_name", "case_type")

#: Columns of the README's table, each with the models it may show.
MODELS = {
    "pretrained here": ("trained",),
    "untrained": ("untrained",),
    "TF-IDF": ("tfidf_svm", "tfidf_ridge"),
    "gazetteer or commonest": ("gazetteer", "majority"),
}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Pretrain, fine-tune with three seeds each, and look for evaluated documents in the training text.

    Figures ``{evaluation}_{metric}_{model}`` are those of the comparison's table on the test split, means over
    seeds, with ``_low`` and ``_high``, the ends of their 95 % intervals; ``_p`` is the chance of the
    difference to the trained model, corrected for the number of baselines. ``tasks_minutes`` is
    the time on the clock from the first fine-tuning to the last score, ``tasks_cpu_minutes`` that of the
    processors. ``contaminated_documents_in_training`` counts training documents that are an evaluated item's
    decision by number, or hold a fifth of one; ``overlap.csv`` in the work folder lists what comes nearest.
    """
    numbers = write_items(data, work / "items")
    write_decisions(data, work / "decisions")
    results = workflow.run(
        config(data, work),
        work / "workflow",
        ["results/evaluation/comparison.csv"],
        options=["--prioritize", LONGEST],
    )
    return gather(results, work, numbers)


def gather(results: Path, work: Path, numbers: Mapping[str, str]) -> dict[str, float]:
    """Return the figures of a finished run; ``numbers`` are case numbers by serial number."""
    found = overlaps(work / "items", results, numbers)
    found.to_csv(work / "overlap.csv", index=False)
    print(found.head(20).to_string(), flush=True)
    figures = dict(_table(results / "evaluation" / "comparison.csv"))
    for task, metric in TASKS.items():
        own, untrained = (figures[f"{task}_{metric}_{name}"] for name in ("trained", "untrained"))
        figures[f"{task}_over_untrained"] = own - untrained
    ledger = pq.read_table(results / "ledger" / "filter", filters=[("status", "=", "contaminated")])
    return {
        **figures,
        **_times(results),
        "contaminated_documents_in_training": int(found["contaminated"].sum()),
        "contaminated_documents_left_out": len(ledger),
        "overlap_of_nearest_document": float(found["share"].max()),
    }


def lines(figures: Mapping[str, Figure]) -> list[str]:
    """Return the table of all tasks for the README, and what the tasks' items are."""
    rows = ["", "## The table", "", f"| task | metric | {' | '.join(MODELS)} |", "|---" * 6 + "|"]
    for task in TASKS:
        names = {name.removesuffix("_trained") for name in figures if name.endswith("_trained")}
        for name in sorted(name for name in names if name.startswith(f"{task}_")):
            cells = [_cell(figures, name, models) for models in MODELS.values()]
            rows.append(f"| {task} | {name.removeprefix(f'{task}_')} | {' | '.join(cells)} |")
    return [*rows, "", *(HERE / "tasks.md").read_text("utf-8").splitlines()]


def _cell(figures: Mapping[str, Figure], name: str, models: Sequence[str]) -> str:
    for model in models:
        if (value := figures.get(f"{name}_{model}")) is not None:
            low, high = (figures[f"{name}_{model}_{end}"] for end in ("low", "high"))
            return f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
    return ""


def config(data: Path, work: Path) -> dict[str, Any]:
    """Return the configuration: sources of benchmarks/pipeline and the archive, items from the work folder."""
    settings = yaml.safe_load((HERE / "config.yaml").read_text("utf-8"))
    shared = workflow.read_config(HERE.parent / "pipeline" / "config.yaml", data)
    sources = [*shared["corpus"]["sources"], ARCHIVE | {"path": str(work / ARCHIVE["path"])}]
    for source in sources:
        if source["kind"] == "judgment":
            source["fields"]["serial"] = SERIAL
    settings["corpus"]["sources"] = sources
    for item in settings["curate"]["decontaminate"]["sets"]:
        item["path"] = str(work / item["path"])
    for task in settings["evaluate"]["tasks"]:
        task |= {split: str(work / task[split]) for split in ("train", "test")}
    return settings


def _table(path: Path) -> Iterator[tuple[str, float]]:
    rows = pd.read_csv(path)
    for row in rows[rows["split"] == "test"].itertuples():
        name = "_".join([row.evaluation, row.metric, row.model]).replace("-", "_")
        for end, value in (("", row.value), ("_low", row.low), ("_high", row.high), ("_p", row.p)):
            if pd.notna(value):
                yield name + end, float(value)


def _times(results: Path) -> dict[str, float]:
    """Return minutes of all fine-tuning: on the clock from its beginning to its end, and of processors."""
    files = [results / f"benchmarks/evaluate/{EXPERIMENT}-{task}.tsv" for task in TASKS]
    rows = [pd.read_csv(file, sep="\t").iloc[0] for file in files]
    ends = [file.stat().st_mtime for file in files]
    begins = [end - float(row["s"]) for end, row in zip(ends, rows, strict=True)]
    return {
        "tasks_minutes": (max(ends) - min(begins)) / 60,
        "tasks_cpu_minutes": sum(float(row["cpu_time"]) for row in rows) / 60,
    }
