"""Publish through faults to a Hub for tests and write down what came of it.

    make bench AREA=publish

Writes ``results.json`` (flat: name -> number) and ``README.md`` beside this file. No real documents are used.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow" / "scripts"), str(ROOT / "tests")]

from benchmarks.area import Wanted, main  # noqa: E402

#: The modules that measure, in the order they run.
PARTS = ("sequences", "large_file")

#: What the figures should be at least (>=) or at most (<=), and what they say.
WANTED: Wanted = {
    "fault_sequences": (
        ">=",
        200,
        "random sequences of faults at any route, each met by a request",
    ),
    "half_published": ("<=", 0, "revisions that held neither the old nor the whole new package"),
    "unfinished_after_rerun": ("<=", 0, "sequences whose rerun did not end in the new package"),
    "token_leaks": ("<=", 0, "places outside the environment where the token was found"),
    "noop_commits": ("<=", 0, "commits of a publish with nothing changed"),
    "repeated_commits": ("<=", 0, "commits made a second time, after a lost answer say"),
    "failed_first": (">=", 1, "sequences that the first publish did not survive"),
    "large_file_mb": (">=", 500, "size of a file whose upload is cut in its middle, megabytes"),
    "large_file_resent_mb": ("<=", 64, "megabytes of it that were sent twice, one part at most"),
    "large_file_resent_after_commit_error_mb": ("<=", 0, "sent again after the commit was refused"),
    "large_file_peak_mb": ("<=", 400, "memory the publishing process takes for it, megabytes"),
}

if __name__ == "__main__":
    main("publish", "Publishing to a Hub that fails", PARTS, WANTED)
