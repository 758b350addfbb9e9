"""Estimate what a corpus and a training would take, from what a finished run took.

    PYTHONPATH=workflow/scripts python -m malmoi.planning results --gigabytes 100 --cores 64

Prints Markdown. docs/scaling.md says what is measured, what is extrapolated and what is left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from malmoi.errors import InputError
from malmoi.planning.estimate import Row, estimate
from malmoi.planning.measured import read_run


def main(arguments: list[str]) -> None:
    """Print the table of stages, and the hours of training where its tokens are given."""
    parser = argparse.ArgumentParser(prog="python -m malmoi.planning", description=__doc__)
    parser.add_argument("results", type=Path, help="folder of a finished run")
    parser.add_argument("--gigabytes", type=float, required=True, help="text, 10^9 bytes of UTF-8")
    parser.add_argument("--cores", type=int, required=True, help="CPU cores, of all machines")
    parser.add_argument("--shard-mb", type=float, default=200, help="text of a shard")
    parser.add_argument("--sample-mb", type=float, default=200, help="vocabulary.sample_mb")
    parser.add_argument("--tokens", type=float, help="tokens that training reads, all steps")
    parser.add_argument("--tokens-per-second", type=float, help="of one GPU, measured")
    parser.add_argument("--gpus", type=int, default=1)
    given = parser.parse_args(arguments)
    if (given.tokens is None) != (given.tokens_per_second is None):
        parser.error("--tokens and --tokens-per-second go together")
    try:
        size, stages = read_run(given.results)
        rows = estimate(size, stages, given.gigabytes, given.cores, given.shard_mb, given.sample_mb)
    except InputError as error:
        parser.error(str(error))
    print(_table(rows))
    if given.tokens is not None:
        hours = given.tokens / given.tokens_per_second / 3600
        print(f"\nTraining: {_shown(hours)} GPU-hours, {_shown(hours / given.gpus)} hours.")


def _table(rows: list[Row]) -> str:
    lines = [
        "| stage | jobs | CPU-hours | begins, h | ends, h | written, GB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        figures = (row.cpu_hours, row.begins, row.ends, row.size / 1e9)
        lines.append(f"| {row.stage} | {row.jobs:,} | {' | '.join(map(_shown, figures))} |")
    totals = (
        sum(row.cpu_hours for row in rows),
        min(row.begins for row in rows),
        max(row.ends for row in rows),
        sum(row.size for row in rows) / 1e9,
    )
    jobs = sum(row.jobs for row in rows)
    return "\n".join([*lines, f"| all | {jobs:,} | {' | '.join(map(_shown, totals))} |"])


def _shown(value: float) -> str:
    """Return a figure with no more digits than such an estimate has."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


if __name__ == "__main__":
    main(sys.argv[1:])
