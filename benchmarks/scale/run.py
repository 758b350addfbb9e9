"""Measure the workflow as a whole: what it costs and survives, and what a change reruns.

    make bench AREA=scale DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402
from benchmarks.scale import one_gigabyte  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("one_gigabyte", "slurm", "survival", "reruns")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "cpu_vs_kiwi_1gb": (
        "<=",
        1.25,
        "CPU-seconds of stages 1 to 7 for 1 GB of raw text, Snakemake's and all starts among them, per "
        "CPU-second of bare Kiwi for that text: measured on 5 % of its documents, a part of them after every "
        "two shards that were segmented, and scaled by characters",
    ),
    "peak_mb_1gb": ("<=", 2000, "the most resident memory of one process in that run, megabytes"),
    "growth_exponent": (
        "<=",
        1.0318,
        "power of the bytes of text that CPU-seconds grow by from 50 MB to 1 GB: 1.03 is 10 % above linear",
    ),
    "slurm_curve_differences": (
        "<=",
        0,
        "values of loss curve and held-out figures that differ between two Slurm nodes and one machine",
    ),
    "kills": (">=", 30, "SIGKILLs of whole workflows at random moments"),
    "kill_byte_differences": ("<=", 0, "files that differ from an undisturbed run's after them"),
    "rerun_leaves": (">=", 200, "settings that were changed, one after another: all of the schema"),
    "rerun_leaves_wrong": ("<=", 0, "of them those that plan other rules than the schema says"),
}

if __name__ == "__main__":
    main("scale", "The workflow as a whole", PARTS, WANTED, one_gigabyte.table)
