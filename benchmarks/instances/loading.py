"""The loader: whether batches after a resume are those of a run that was never stopped, and its speed."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from malmoi.fingerprint import of_file
from malmoi.instances import shards
from malmoi.instances.build import build_instances
from malmoi.instances.loader import (
    InstanceStore,
    Rows,
    micro_batches,
    packed,
    padded,
    step_epochs,
    step_indices,
)
from malmoi.training.feed import Feed
from malmoi.training.plan import Phase, Plan

from benchmarks.instances import corpus

SEED = 20

#: The made store: instances, files, and shortest and longest length. It takes 1.8 GB while measured.
INSTANCES, FILES, SHORTEST, LONGEST = 10_000_000, 16, 32, 48

#: The step after which runs are resumed is in their second epoch.
BATCH, MICRO, RESUMED_AT = 256, 16, 50_000

#: Ranks before and after; steps compared.
RANKS, STEPS = ((1, 2), (2, 1), (2, 4)), 100

#: Steps over which real instances are timed, and micro-batches of a step where they are packed.
TIMED, PARTS = 200, 4

MASKING = {
    **{"when": "dynamic", "unit": "morpheme", "rate": 0.15, "final_rate": None},
    **{"functional_weight": 1.0, "span_mean": 3.0},
}

#: Prints the seconds from an unopened store to the first batch; modules are loaded before.
COLD = """
import sys, time
import torch
from malmoi.training.feed import Feed
from malmoi.training.plan import Plan
plan = Plan.load(sys.argv[1])
start = time.perf_counter()
feed = Feed(plan, 0, 1, int(sys.argv[2]), torch.device("cpu"))
next(feed)
print(time.perf_counter() - start)
feed.close()
"""


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return how many of the compared batches differ, seconds to resume and tokens per second.

    ``resume_seconds`` is for a process that has opened nothing yet, with the files out of the page cache.
    ``loader_tokens_per_s`` are real tokens of length 128, with morphemes masked anew in each epoch, that
    one worker process makes, pads and hands over per CPU-second of its own, and
    ``loader_tokens_per_wall_s`` those that come out of it, beside whatever else the machine does. The
    figures ``per_cpu_s`` leave out handing them over.
    ``loader_padding_share`` is the share of padding in it, ``loader_fill_share`` that of packed
    micro-batches filled up to one shape.
    """
    folder = work / "loading"
    try:
        figures = resumed(made_store(folder / "made"), folder)
    finally:
        shutil.rmtree(folder / "made", ignore_errors=True)
    return {**figures, **speed(real_plan(data, work, folder))}


def resumed(plan: Plan, folder: Path) -> dict[str, float]:
    """Compare runs resumed with other ranks with those never stopped, and time a resume."""
    differences = 0
    for before, after in RANKS:
        whole = digests(plan, before, RESUMED_AT - 3)[3:]
        differences += sum(a != b for a, b in zip(whole, digests(plan, after), strict=True))
    path = folder / "plan.json"
    plan.save(path)
    return {
        "resume_instances": INSTANCES,
        "resume_batches_compared": STEPS * len(RANKS),
        "resume_batch_differences": differences,
        "resume_seconds": min(cold_start(plan, path) for _ in range(3)),
    }


def digests(plan: Plan, ranks: int, first: int = RESUMED_AT) -> list[str]:
    """Return a hash of the instances in each global batch from ``first`` to the last one compared."""
    feeds = [Feed(plan, rank, ranks, first, torch.device("cpu")) for rank in range(ranks)]
    result = []
    for _ in range(first, RESUMED_AT + STEPS):
        rows = sorted(row for feed in feeds for row in row_digests(next(feed)))
        result.append(hashlib.sha256(b"".join(rows)).hexdigest())
    for feed in feeds:
        feed.close()
    return result


def row_digests(step: Any) -> Iterator[bytes]:
    """Yield a hash of what the model reads and predicts of each instance, without padding."""
    for batch in step.micro_batches(torch.device("cpu")):
        arrays = {name: value.numpy() for name, value in batch.items()}
        for number, inside in enumerate(arrays["attention_mask"] > 0):
            row = hashlib.sha256(arrays["next_sentence_label"][number].tobytes())
            for name in ("input_ids", "token_type_ids", "labels"):
                row.update(arrays[name][number][inside].tobytes())
            yield row.digest()


def cold_start(plan: Plan, path: Path) -> float:
    """Return the seconds that a new process takes to the first batch after a resume."""
    for file in plan.phases[0].train:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    command = [sys.executable, "-c", COLD, str(path), str(RESUMED_AT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return float(subprocess.check_output(command, env=environment, text=True))


def made_store(folder: Path) -> Plan:
    """Write a large store of short made instances and return a plan that trains on it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"p{n}" for n in range(31_995))]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    settings = {
        **{"phase": "made", "seed": SEED, "masking": MASKING},
        **{"vocabulary_size": len(pieces), "vocabulary_sha256": of_file(vocabulary)},
    }
    columns = shards.schema(len(pieces), "dynamic", settings)
    draw = np.random.default_rng(SEED)
    paths = [folder / f"{number:04d}.arrow" for number in range(FILES)]
    for path in paths:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, columns) as writer:
            for start in range(0, INSTANCES // FILES, shards.BATCH_ROWS):
                count = min(shards.BATCH_ROWS, INSTANCES // FILES - start)
                writer.write_batch(made_batch(count, len(pieces), draw, columns))
    return plan_of(paths, folder, LONGEST, INSTANCES)


def made_batch(
    count: int, pieces: int, draw: np.random.Generator, columns: pa.Schema
) -> pa.RecordBatch:
    """Return instances of random ids, each one segment of a document."""
    offsets = np.concatenate([[0], np.cumsum(draw.integers(SHORTEST, LONGEST + 1, count))])
    ids = draw.integers(5, pieces, offsets[-1], dtype=np.uint16)
    units = draw.integers(0, 4, offsets[-1], dtype=np.uint8)
    for places, special in ((offsets[:-1], 2), (offsets[1:] - 1, 3)):
        ids[places], units[places] = special, 0
    each = np.arange(count + 1)
    values = {
        "input_ids": shards.lists(ids, offsets),
        "token_type_ids": shards.lists(np.zeros_like(units), offsets),
        "next_sentence_label": pa.array(draw.integers(0, 2, count, dtype=np.int8)),
        "doc_ids": shards.lists(pa.array(np.full(count, "d"), pa.string()), each),
        "segment_starts": shards.lists(np.zeros(count, dtype=np.int32), each),
        "unit_starts": shards.lists(units, offsets),
    }
    return pa.record_batch([values[name] for name in columns.names], schema=columns)


def real_plan(data: Path, work: Path, folder: Path) -> Plan:
    """Return a plan that trains on instances of length 128 of real documents."""
    tokens, tokenizer = corpus.tokens(data, work)
    path = folder / "l128.arrow"
    build_instances(
        tokens,
        tokenizer / "vocab.txt",
        split="train",
        phase="l128",
        max_seq_length=128,
        pairs={"kind": "nsp", "mode": "balanced", "hard_share": 0.0, "short_share": 0.1},
        masking=MASKING,
        duplicates=1,
        seed=SEED,
        output_path=path,
        ledger_path=folder / "instances.parquet",
        statistics_path=folder / "l128.json",
    )
    return plan_of([path], tokenizer, 128, len(InstanceStore([path])))


def plan_of(paths: list[Path], tokenizer: Path, length: int, instances: int) -> Plan:
    """Return a plan of one phase; only what the feed reads of it is filled in."""
    names = [str(path) for path in paths]
    phase = Phase("made", names, names[0], length, instances, 10**6, BATCH, MICRO)
    return Plan(
        fingerprint="",
        seed=SEED,
        phases=[phase],
        settings={"max_position_embeddings": 512, "runtime": {"loader_workers": 1}},
        vocabulary_size=0,
        tokenizer=str(tokenizer),
        checkpoints="",
        model_output="",
        log_output="",
        message_log="",
    )


def speed(plan: Plan) -> dict[str, float]:
    """Return tokens per second, delivered by a worker and made in this process, and what padding there is."""
    store = InstanceStore(plan.phases[0].train, Path(plan.tokenizer) / "vocab.txt")
    # Packed micro-batches of one shape: room for an ordinary step in PARTS of them, and 3 % more.
    mean = store.lengths(np.arange(min(len(store), 10_000))).mean()
    shape = 64 * round(1.03 * mean * BATCH / PARTS / 64)
    per_cpu_s, per_s = delivered(plan)
    padding = made(store, lambda rows: padded(rows)["input_ids"], micro_batch_size=MICRO)
    filling = made(store, lambda rows: packed(rows, shape)["input_ids"], micro_batch_tokens=shape)
    return {
        "loader_tokens_per_s": per_cpu_s,
        "loader_tokens_per_wall_s": per_s,
        "loader_padded_tokens_per_cpu_s": padding[0],
        "loader_packed_tokens_per_cpu_s": filling[0],
        "loader_padding_share": padding[1],
        "loader_fill_share": filling[1],
    }


def delivered(plan: Plan) -> tuple[float, float]:
    """Return the tokens that a worker delivers per CPU-second of its own and per second, best of three."""
    best = 0.0, 0.0
    for _ in range(3):
        before = worker_seconds()
        feed = Feed(plan, 0, 1, 0, torch.device("cpu"))
        tokens = next(feed).tokens
        start = time.perf_counter()
        later = sum(next(feed).tokens for _ in range(TIMED))
        seconds = time.perf_counter() - start
        feed.close()
        spent = worker_seconds() - before
        best = max(best[0], (tokens + later) / spent), max(best[1], later / seconds)
    return best


def worker_seconds() -> float:
    """Return the CPU-seconds of all processes started here that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def made(
    store: InstanceStore, form: Callable[[Rows], np.ndarray], **cut: int
) -> tuple[float, float]:
    """Return tokens per CPU-second of steps made here, best of three, and the share of padding in them."""
    best = 0.0
    for _ in range(3):
        tokens = places = 0
        start = time.process_time()
        for step in range(TIMED):
            indices = step_indices(len(store), step, BATCH, SEED, "l128")
            parts = micro_batches(store.lengths(indices), 0, 1, **cut)
            own = np.concatenate(parts)
            rows = store.rows(indices[own], step_epochs(len(store), step, BATCH)[own], 0.5)
            first = 0
            for part in parts:
                places += form(rows.part(first, first + len(part))).size
                first += len(part)
            tokens += len(rows.input_ids)
        best = max(best, tokens / (time.process_time() - start))
    return best, 1 - tokens / places
