"""How fast text is repaired, and whether repairing real documents twice is the same as once."""

from __future__ import annotations

import random
import time
from pathlib import Path

from malmoi.text.normalize import clean
from malmoi.text.repair import normalize_text

from benchmarks.curation.corpus_text import body, large_archive, leaflets, markdown_files, texts

#: Megabytes of UTF-8 to measure the speed on.
MEGABYTES = 40
REPEATS = 3
SEED = 20
SETTINGS = {"pii": {}, "repeated_lines": 5, "join_broken_lines": True}


def measure(data: Path, work: Path) -> dict[str, float]:
    """Return ``repair_mb_per_cpu_s`` and ``normalize_idempotent``, the latter with masking."""
    paths = markdown_files(large_archive(data, work))
    random.Random(SEED).shuffle(paths)
    return {"repair_mb_per_cpu_s": speed(paths), "normalize_idempotent": idempotent(data)}


def speed(paths: list[Path]) -> float:
    """Return the megabytes of UTF-8 repaired in a CPU-second, the best of several runs."""
    chosen, size = [], 0
    for path in paths:
        chosen.append(body(path))
        size += len(chosen[-1].encode("utf-8"))
        if size >= MEGABYTES * 1e6:
            break
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        for text in chosen:
            normalize_text(text, repeated_lines=5, join_broken_lines=True)
        best = min(best, time.process_time() - start)
    return size / 1e6 / best


def idempotent(data: Path) -> float:
    """Return the share of decisions, statutes and leaflets that a second pass leaves as the first made them."""
    same = seen = 0
    for text in (*texts(data / "legal"), *texts(data / "medical"), *leaflets(data)):
        once, _ = clean({"text": text, "meta": "{}"}, SETTINGS)
        twice, _ = clean(once, SETTINGS)
        seen += 1
        same += once == twice
    return same / seen
