"""What a finished run took: seconds and bytes of each stage, and how much text it read."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from malmoi.errors import InputError

#: Stages whose work follows from the corpus, in order, with the folders of ``results`` that grow with it.
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("ingest",),
    "normalize": ("normalized", "repairs"),
    "filter": ("filtered",),
    "find_duplicates": ("dedup",),
    "split": ("curated",),
    "curation_report": (),
    "segment": ("segments", "changes", "cache"),
    "vocabulary": (),
    "tokenize": ("tokens",),
    "instances": ("instances",),
    "ledger": ("ledger", "ledger.parquet", "ledger.csv"),
}


@dataclass(frozen=True)
class Stage:
    """What all jobs of a stage took: seconds, CPU-seconds, and bytes of what they wrote."""

    seconds: float
    cpu_seconds: float
    size: int


def read_run(results: Path) -> tuple[float, dict[str, Stage]]:
    """Return the gigabytes (10^9 bytes of UTF-8) of text that a run read, and what each of its stages took.

    Raises:
        InputError: the folder lacks the documents or the benchmarks of a finished run.
    """
    size = sum(
        pc.sum(pc.binary_length(pq.read_table(path, columns=["text"])["text"])).as_py() or 0
        for path in sorted((results / "ingest").glob("*/*/[0-9]*.parquet"))
    )
    if not size:
        raise InputError(f"{results}: no documents in ingest/; name the results of a finished run")
    return size / 1e9, {stage: _stage(results, stage) for stage in FOLDERS}


def _stage(results: Path, stage: str) -> Stage:
    benchmarks = results / "benchmarks"
    # Vocabularies and ledgers of experiments are work of their own: those of the common settings count.
    files = [*sorted((benchmarks / stage).glob("*.tsv")), benchmarks / f"{stage}.tsv"]
    rows = [row for path in files if path.is_file() for row in benchmark_rows(path)]
    if not rows:
        raise InputError(f"{benchmarks}: nothing of {stage}; let the run finish first")
    return Stage(
        sum(float(row["s"]) for row in rows),
        sum(number(row["cpu_time"]) for row in rows),
        sum(size_of(results / name) for name in FOLDERS[stage]),
    )


def benchmark_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a benchmark file, one for each time its job was run."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def number(text: str) -> float:
    """Return a figure of Snakemake's, which writes NA where a job was too short to be looked at."""
    return 0.0 if text in ("NA", "-") else float(text)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 where there is none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
