"""What a change of each setting reruns, beside what the schema says."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools import rerun_matrix


def measure(data: Path, work: Path) -> dict[str, float]:
    """Change every setting of the schema and compare what Snakemake plans.

    ``rerun_leaves`` counts the settings, ``rerun_leaves_wrong`` those whose change plans more or less than
    their ``x-reruns`` and what follows, or which have none. ``data`` is not used.
    """
    folder = work / "reruns"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = rerun_matrix.measure(folder)
    wrong = [row for row in rows if row.wrong]
    for row in wrong:
        print(f"{row.leaf}: {row.wrong}", flush=True)
    return {"rerun_leaves": len(rows), "rerun_leaves_wrong": len(wrong)}
