"""Measure pairs, masks, instance files and the loader on real documents and write down what came of it.

    make bench AREA=instances DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("speed", "memory", "pairs", "masks", "loading")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "instances_per_cpu_s": (
        ">=",
        100_000,
        "instances in a CPU-second, from tokens to files, length 128",
    ),
    "instances_per_cpu_s_from_text": (">=", 30_000, "the same with tokenization, five passes"),
    "reference_instances_per_cpu_s": (">=", 0, "the published algorithm in plain Python"),
    "peak_mb_16": ("<=", 600, "peak memory in megabytes for 16 MB of text, five passes"),
    "peak_mb_1000": ("<=", 600, "the same for 1 GB"),
    "coverage_128": (">=", 0.995, "tokens used in each pass, length 128"),
    "coverage_512": (">=", 0.995, "the same, length 512"),
    "padding_packed": ("<=", 0.02, "positions that are padding, packed"),
    "random_share": (">=", 0.495, "pairs whose second segment is random"),
    "forbidden_negatives": ("<=", 0, "random segments from the same document or group"),
    "mask_share": (">=", 0.149, "tokens to predict"),
    "morpheme_boundary_share": (">=", 0.99, "masked spans that begin and end with a morpheme"),
    "google_mode_differences": ("<=", 0, "pairs other than those of the published algorithm"),
    "byte_differences_1_2_8": ("<=", 0, "files that differ between 1, 2 and 8 jobs"),
    "resume_batch_differences": ("<=", 0, "batches that differ after going on with other ranks"),
    "resume_seconds": ("<=", 1, "seconds to the first batch of ten million instances"),
    "loader_tokens_per_s": (">=", 1_500_000, "tokens a second of one worker, masks drawn, packed"),
}

if __name__ == "__main__":
    main(
        "instances", "Pairs, masks, instance files and the loader on real documents", PARTS, WANTED
    )
