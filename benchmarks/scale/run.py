"""Measure the workflow as a whole: what it survives, and what a change reruns.

    make bench AREA=scale DATA=../shared/data

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("survival", "reruns")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "kills": (">=", 30, "SIGKILLs of whole workflows at random moments"),
    "kill_byte_differences": ("<=", 0, "files that differ from an undisturbed run's after them"),
    "rerun_leaves": (">=", 200, "settings that were changed, one after another: all of the schema"),
    "rerun_leaves_wrong": ("<=", 0, "of them those that plan other rules than the schema says"),
}

if __name__ == "__main__":
    main("scale", "The workflow as a whole", PARTS, WANTED)
