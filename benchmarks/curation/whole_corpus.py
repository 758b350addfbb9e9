"""The real documents and the large archive through curation: what it costs, and that nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from malmoi import ledger
from malmoi.curate.report import STAGES

from benchmarks import workflow

#: The rules between the readers and Kiwi, which together may cost a quarter of Kiwi's time.
CURATION = ("normalize", "filter", "find_duplicates", "split")


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the balance and the cost of a run; ``curate_cpu_s_per_mb`` is per megabyte (UTF-8) of text read.

    The tables of the run are left in ``work``/whole/results/curation.
    """
    config = workflow.read_config(Path(__file__).parent / "config.yaml", data)
    results = workflow.run(config, work / "whole", ["results/curation/sources.csv"])
    paths = sorted(results.glob("ingest/*/*/ledger.parquet"))
    for stage in STAGES[1:]:
        paths += sorted((results / "ledger" / stage).glob("*.parquet"))
    rows = ledger.read(paths)
    ledger.check(rows, STAGES)
    summary = ledger.summarise(rows, STAGES)
    shares = summary.groupby("stage")[["documents_share", "chars_share"]].sum()
    values: dict[str, float] = {
        "ledger_balanced": int(((shares - 1).abs() < 1e-9).all(axis=None)),
        "documents_read": int(summary.loc[summary["stage"] == "ingest", "documents"].sum()),
        "text_mb": text_bytes(results) / 1e6,
    }
    for row in summary.itertuples():
        name = f"{row.status}_{row.reason}" if row.reason else row.status
        values[f"{row.stage}_{name}_documents"] = int(row.documents)
        values[f"{row.stage}_{name}_chars"] = int(row.chars_in)
    costs = {rule: cost(results / "benchmarks" / rule) for rule in ("ingest", *CURATION)}
    for rule, (seconds, memory) in costs.items():
        values[f"{rule}_cpu_s"] = round(seconds, 1)
        values[f"{rule}_peak_mb"] = round(memory, 1)
    spent = sum(costs[rule][0] for rule in CURATION)
    values["curate_cpu_s_per_mb"] = round(spent / values["text_mb"], 4)
    values["curate_peak_mb"] = max(values[f"{rule}_peak_mb"] for rule in CURATION)
    return values


def text_bytes(results: Path) -> int:
    """Return the bytes (UTF-8) of all text that was read."""
    size = 0
    for path in results.glob("ingest/*/*/[0-9]*.parquet"):
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["text"]):
            size += pc.sum(pc.binary_length(batch["text"])).as_py() or 0
    return size


def cost(path: Path) -> tuple[float, float]:
    """Return CPU-seconds of all jobs of a rule, and the largest resident set of one of them in megabytes."""
    files = sorted(path.glob("*.tsv")) if path.is_dir() else [path.with_suffix(".tsv")]
    jobs = pd.concat([pd.read_csv(file, sep="\t") for file in files])
    jobs = jobs.apply(pd.to_numeric, errors="coerce")
    return float(jobs["cpu_time"].sum()), float(jobs["max_rss"].max())
