"""Peak memory of tokenizing and of building instances, and whether jobs in any order write the same bytes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from malmoi.fingerprint import of_file, shard_of

from benchmarks.instances import corpus
from benchmarks.peak import peak_of
from benchmarks.vocabulary.corpus import segments

#: Bytes of text of the shards whose jobs are measured.
SIZES = {"16": 16_000_000, "1000": 1_000_000_000}

#: Shards that are built by different numbers of jobs, and bytes of text they are made of.
SHARDS, SHARD_BYTES = 8, 16_000_000

JOBS = (1, 2, 8)

SETTINGS = {
    **{"split": "train", "phase": "l128", "max_seq_length": 128, "duplicates": 5, "seed": 20},
    "pairs": {"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1},
    "masking": {
        **{"when": "static", "unit": "morpheme", "rate": 0.15, "final_rate": None},
        **{"functional_weight": 1.0, "span_mean": 3.0},
    },
}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return the larger peak of both stages, in megabytes, for 16 MB and 1 GB of text, and differing shards.

    Each stage runs in a process of its own, so its peak is that of the process tree. Duplication is 5. The
    large shard repeats the real documents under other ids. It needs 8 GB of disk while it runs.
    """
    source = segments(data, work)
    _, tokenizer = corpus.tokens(data, work)
    values: dict[str, float] = {}
    for name, size in SIZES.items():
        folder = work / f"memory-{name}"
        folder.mkdir(exist_ok=True)
        try:
            write_segments(folder / "segments.parquet", source, size)
            peaks = {
                "tokenize": tokenize(folder / "segments.parquet", tokenizer, folder),
                "build": build(folder / "tokens.arrow", tokenizer, folder / "0000"),
            }
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        values |= {f"{stage}_peak_mb_{name}": peak for stage, peak in peaks.items()}
        values[f"peak_mb_{name}"] = max(peaks.values())
    values["peak_growth"] = values["peak_mb_1000"] / values["peak_mb_16"]
    return {**values, "byte_differences_1_2_8": differences(source, tokenizer, work / "jobs")}


def write_segments(path: Path, source: Sequence[Path], size: int) -> None:
    """Write training documents with ``size`` bytes of text, again and again under other ids."""
    schema = pq.read_schema(source[0])
    written = copy = 0
    with pq.ParquetWriter(path, schema) as writer:
        while written < size:
            for table in _groups(source):
                sizes = pc.cumulative_sum(pc.cast(pc.binary_length(table["text"]), pa.int64()))
                fits = pc.sum(pc.less(sizes, size - written)).as_py()
                part = _renamed(table.slice(0, max(1, fits)), copy)
                writer.write_table(part)
                written += pc.sum(pc.binary_length(part["text"])).as_py()
                if written >= size or fits < len(table):
                    return
            copy += 1


def differences(source: Sequence[Path], tokenizer: Path, folder: Path) -> int:
    """Return how many files differ among shards built by 1, 2 and 8 processes at a time, in other orders."""
    folder.mkdir(exist_ok=True)
    try:
        write_segments(folder / "segments.parquet", source, SHARD_BYTES)
        table = pq.read_table(folder / "segments.parquet")
        shard = pa.array([shard_of(doc_id, SHARDS) for doc_id in table["doc_id"].to_pylist()])
        tokens = []
        for number in range(SHARDS):
            part = folder / f"{number:04d}"
            part.mkdir()
            pq.write_table(table.filter(pc.equal(shard, number)), part / "segments.parquet")
            tokenize(part / "segments.parquet", tokenizer, part)
            tokens.append(part / "tokens.arrow")
        found = []
        for jobs in JOBS:
            outputs = [folder / f"jobs-{jobs}" / f"{number:04d}" for number in range(SHARDS)]
            # 3 and 8 have no common divisor, so these are other orders of the same shards.
            order = [(3 * number + jobs) % SHARDS for number in range(SHARDS)]
            with ThreadPoolExecutor(jobs) as pool:
                started = [
                    pool.submit(build, tokens[number], tokenizer, outputs[number])
                    for number in order
                ]
            for job in started:
                job.result()
            found.append([of_file(file) for path in outputs for file in files_of(path)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return sum(len(set(digests)) > 1 for digests in zip(*found, strict=True))


def files_of(output: Path) -> list[Path]:
    """Return the instances, statistics and ledger that a job writes."""
    return [output.with_suffix(f".{ending}") for ending in ("arrow", "json", "parquet")]


def tokenize(path: Path, tokenizer: Path, folder: Path) -> float:
    """Tokenize a segments file into ``folder`` and return the peak in megabytes."""
    return peak_of(
        folder / "tokenize.json",
        "malmoi.vocab.tokens:tokenize_documents",
        {
            "input_path": path,
            "tokenizer_folder": tokenizer,
            "output_path": folder / "tokens.arrow",
            "ledger_path": folder / "ledger.parquet",
        },
    )


def build(tokens: Path, tokenizer: Path, output: Path) -> float:
    """Build the instances of a tokens file and return the peak in megabytes."""
    output.parent.mkdir(parents=True, exist_ok=True)
    instances, statistics, ledger = files_of(output)
    arguments = {
        "inputs": [str(tokens)],
        "vocabulary_path": tokenizer / "vocab.txt",
        **SETTINGS,
        "output_path": instances,
        "ledger_path": ledger,
        "statistics_path": statistics,
    }
    path = output.with_name(f"{output.name}-arguments.json")
    return peak_of(path, "malmoi.instances.build:build_instances", arguments)


def _groups(source: Sequence[Path]) -> Iterator[pa.Table]:
    """Yield training documents by the row group, those with the longest first.

    Memory depends on the largest document, so both sizes are to have it.
    """
    longest = []
    for path in source:
        file = pq.ParquetFile(path)
        for number in range(file.num_row_groups):
            sizes = pc.binary_length(file.read_row_group(number, ["text"])["text"])
            longest.append((-pc.max(sizes).as_py(), str(path), number))
    for _, path, number in sorted(longest):
        table = pq.ParquetFile(path).read_row_group(number)
        yield table.filter(pc.equal(table["split"], "train"))


def _renamed(table: pa.Table, copy: int) -> pa.Table:
    """Return documents under ids of their own, each copy in groups of its own."""
    if not copy:
        return table
    for name in ("doc_id", "group"):
        given = table[name].to_pylist()
        made = [hashlib.sha256(f"{copy} {value}".encode()).hexdigest()[:32] for value in given]
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(made))
    return table
