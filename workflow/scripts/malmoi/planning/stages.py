"""What every stage of a run took: jobs, time, memory and bytes, as a table."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from malmoi.atomic import write_text
from malmoi.planning.measured import benchmark_rows, number, size_of

#: Stages as the benchmark files are named, in the order of the pipeline: what of ``results`` each reads and
#: writes. Folders of an experiment's own, such as ``tokenizer-194d03ed``, count with the common ones.
STAGES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "download": ((), ("downloads",)),
    "fetch_encoder": ((), ("init",)),
    "ingest": ((), ("ingest/*/*",)),
    "digest_shards": (("ingest/*/*/*.sha256",), ("ingest/*.sha256",)),
    "normalize": (("ingest/*/*/[0-9]*.parquet",), ("normalized", "repairs", "ledger/normalize")),
    "filter": (("normalized",), ("filtered", "ledger/filter")),
    "find_duplicates": (("filtered",), ("dedup",)),
    "split": (("filtered", "dedup/[0-9]*.parquet"), ("curated", "ledger/deduplicate")),
    "curation_report": (
        (
            *("ingest/*/*/ledger.parquet", "repairs", "dedup/clusters.parquet"),
            *("ledger/normalize", "ledger/filter", "ledger/deduplicate"),
        ),
        ("curation",),
    ),
    "plant_canaries": ((), ("audit",)),
    "segment": (("curated",), ("segments", "changes", "ledger/segment", "cache/segment")),
    "propose_dictionary": (("segments",), ("dictionary",)),
    "vocabulary": (("segments",), ("tokenizer*",)),
    "keep_vocabulary": (("init/tokenizer",), ("tokenizer*",)),
    "vocabulary_report": (("segments", "tokenizer*"), ("vocabulary*",)),
    "choose_vocabulary": (("segments",), ("vocabulary/frontier.*",)),
    "tokenize": (("segments", "tokenizer*"), ("tokens*", "ledger/tokenize*")),
    "instances": (("tokens*", "tokenizer*"), ("instances*", "ledger/instances*")),
    "ledger": (
        ("ingest/*/*/ledger.parquet", "audit/*.parquet", "ledger"),
        ("ledger*.parquet", "ledger*.csv"),
    ),
    "pretrain": (
        ("instances*", "tokenizer*", "init/encoder"),
        ("model", "training", "checkpoints"),
    ),
    "evaluate": (
        ("model", "segments", "tokens*", "instances*", "training/*/summary.json", "audit/*.csv"),
        ("evaluation",),
    ),
    "package": (
        ("model", "ledger*.parquet", "segments", "tokens*", "training", "evaluation"),
        ("package",),
    ),
    "package_tokenizer": (
        ("tokenizer", "ledger.parquet", "segments", "tokens"),
        ("shared/tokenizer",),
    ),
    "package_dataset": (("curated", "ledger.parquet"), ("shared/dataset",)),
    "publish": (("package",), ("published/*.json",)),
    "publish_shared": (("shared",), ("published/shared",)),
    "provenance": (("package", "ingest/*/*/*.sha256"), ("provenance.json",)),
}

COLUMNS = (
    *("stage", "jobs", "seconds", "cpu_seconds", "cpu_share", "peak_memory_mb"),
    *("bytes_read", "bytes_written"),
)


def write_table(path: str | Path, results: Path, raw: Sequence[str | Path]) -> None:
    """Write what the stages took that left a benchmark file in a folder of results, as CSV with ``COLUMNS``.

    ``seconds`` and ``cpu_seconds`` are sums over jobs, which may have run side by side, ``cpu_share`` is the
    share of all stages' CPU time, ``peak_memory_mb`` (10^6 bytes, NA where no job lived long enough to be
    looked at) that of the largest job. Bytes are the sizes of files as they lie there now, each counted once
    however many jobs read it; ``raw`` are the files that ingest reads. A job counts as it ran last, also in an
    earlier run.
    """
    found = benchmarks_of(results / "benchmarks")
    total = sum(number(row["cpu_time"]) for rows in found.values() for row in rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for stage, (read, written) in STAGES.items():
        rows = found.get(stage)
        if not rows:
            continue
        cpu = sum(number(row["cpu_time"]) for row in rows)
        # Snakemake counts memory in MiB.
        peaks = [float(row["max_rss"]) * 2**20 / 1e6 for row in rows if row["max_rss"] != "NA"]
        from_raw = sum(map(size_of, map(Path, raw))) if stage == "ingest" else 0
        writer.writerow(
            [
                *(stage, len(rows), f"{sum(float(row['s']) for row in rows):.1f}", f"{cpu:.1f}"),
                f"{cpu / total if total else 0:.4f}",
                f"{max(peaks):.0f}" if peaks else "NA",
                *(from_raw + _size_below(results, read), _size_below(results, written)),
            ]
        )
    write_text(path, text.getvalue())


def benchmarks_of(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of all benchmark files below a folder by stage: the first part of their names."""
    found: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        first = path.relative_to(folder).parts[0].removesuffix(".tsv")
        stage = re.sub(r"-[0-9a-f]{8}$", "", first)
        found.setdefault(stage, []).extend(benchmark_rows(path))
    return found


def _size_below(results: Path, patterns: Sequence[str]) -> int:
    return sum(size_of(path) for pattern in patterns for path in results.glob(pattern))
