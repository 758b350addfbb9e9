"""Instances per CPU-second on real decisions, beside the published algorithm in plain Python."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from malmoi.instances.build import build_instances
from malmoi.vocab.tokens import read_tokens, tokenize_documents

from benchmarks.instances import corpus, reference
from benchmarks.vocabulary.corpus import segments

#: Megabytes of text.
SIZES = (8, 64)

LENGTH, DUPLICATES, RATE, SEED = 128, 5, 0.15, 20

#: Each is timed so often, and the least time counts.
REPEATS = 3

PAIRS = {"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1}
MASKING = {
    **{"when": "static", "unit": "morpheme", "rate": RATE, "final_rate": None},
    **{"functional_weight": 1.0, "span_mean": 3.0},
}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return instances per CPU-second of length 128, duplication 5, with pairs and whole-unit masks.

    ``instances_per_cpu_s`` is from the token store to a written file that a training step reads, on 64 MB;
    ``…_from_text`` counts tokenization too; ``…_8mb`` is the same on 8 MB, ``…_eojeol`` with eojeols masked
    instead of morphemes, ``…_google`` in that mode. ``reference_instances_per_cpu_s`` is the reference from
    lists of ids to lists of ids, on 8 MB. Time is that of one process, all its threads, user and system,
    after its modules are loaded.
    """
    source = segments(data, work)
    _, tokenizer = corpus.tokens(data, work)
    folder = work / "speed"
    try:
        return figures(source, tokenizer, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def figures(source: Sequence[Path], tokenizer: Path, folder: Path) -> dict[str, float]:
    """Return the figures of ``measure`` for segments files and a tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, float] = {}
    for size in SIZES:
        name = "" if size == SIZES[-1] else f"_{size}mb"
        text, tokens = folder / f"{size}.parquet", folder / f"{size}.arrow"
        write_decisions(text, source, size * 1_000_000)
        tokenizing = least(
            lambda text=text, tokens=tokens: tokenize_documents(
                text, tokenizer, tokens, folder / "ledger.parquet"
            )
        )
        count, seconds = built(tokens, tokenizer, folder)
        values[f"instances_per_cpu_s{name}"] = count / seconds
        values[f"instances_per_cpu_s_from_text{name}"] = count / (seconds + tokenizing)
        values[f"tokenize_mb_per_cpu_s{name}"] = size / tokenizing
    tokens = folder / f"{SIZES[-1]}.arrow"
    for name, pairs, masking in (
        ("eojeol", PAIRS, MASKING | {"unit": "eojeol"}),
        ("google", PAIRS | {"mode": "google"}, MASKING),
    ):
        count, seconds = built(tokens, tokenizer, folder, pairs, masking)
        values[f"instances_per_cpu_s_{name}"] = count / seconds
    values["reference_instances_per_cpu_s"] = referred(folder / f"{SIZES[0]}.arrow", tokenizer)
    ratio = values["instances_per_cpu_s"] / values["reference_instances_per_cpu_s"]
    return {**values, "instances_vs_reference": ratio}


def write_decisions(path: Path, source: Sequence[Path], size: int) -> None:
    """Write the first training decisions of segments files that have ``size`` bytes of text together."""
    with pq.ParquetWriter(path, pq.read_schema(source[0])) as writer:
        for table in _groups(source):
            wanted = pc.and_(pc.equal(table["kind"], "judgment"), pc.equal(table["split"], "train"))
            table = table.filter(wanted)
            sizes = pc.binary_length(table["text"]).to_numpy()
            kept = int(np.searchsorted(np.cumsum(sizes), size)) + 1
            writer.write_table(table.slice(0, kept))
            size -= int(sizes[:kept].sum())
            if size <= 0:
                return
    raise ValueError(f"the decisions have {size} bytes of text too few")


def built(
    tokens: Path,
    tokenizer: Path,
    folder: Path,
    pairs: dict[str, Any] = PAIRS,
    masking: dict[str, Any] = MASKING,
) -> tuple[int, float]:
    """Return how many instances a tokens file gives and the CPU-seconds it takes."""
    statistics = folder / "statistics.json"
    seconds = least(
        lambda: build_instances(
            [tokens],
            tokenizer / "vocab.txt",
            **{"split": "train", "phase": "l128", "max_seq_length": LENGTH},
            **{"duplicates": DUPLICATES, "seed": SEED, "pairs": pairs, "masking": masking},
            output_path=folder / "instances.arrow",
            ledger_path=folder / "ledger.parquet",
            statistics_path=statistics,
        )
    )
    return json.loads(statistics.read_text(encoding="utf-8"))["instances"], seconds


def referred(tokens: Path, tokenizer: Path) -> float:
    """Return the instances per CPU-second of the reference on a tokens file."""
    pieces = (tokenizer / "vocab.txt").read_text(encoding="utf-8").splitlines()
    vocabulary = reference.Vocabulary(
        **{name: pieces.index(f"[{name.upper()}]") for name in ("cls", "sep", "mask")},
        size=len(pieces),
        continuing=[piece.startswith("##") for piece in pieces],
    )
    documents = []
    for batch in read_tokens(tokens):
        for ids, ends in zip(batch["input_ids"], batch["sentence_ends"], strict=True):
            cuts = ends.values.to_numpy()[:-1]
            parts = np.split(ids.values.to_numpy(), cuts)
            documents.append([part.tolist() for part in parts])
    start = time.process_time()
    made = reference.create_instances(
        documents, vocabulary, LENGTH, DUPLICATES, PAIRS["short_share"], RATE, Random(SEED)
    )
    return len(made) / (time.process_time() - start)


def least(run: Callable[[], None]) -> float:
    """Return the least CPU-seconds, user and system, of several runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def _groups(source: Sequence[Path]) -> Iterator[pa.Table]:
    for path in source:
        file = pq.ParquetFile(path)
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)
