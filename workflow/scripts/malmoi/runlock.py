"""Know whether another workflow runs in a folder, and forget the locks of those that were killed."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


def join(state: Path) -> TextIO | None:
    """Count this process among those whose workflow runs in a folder, until it ends or the file is closed.

    Snakemake keeps the names of what a run reads and writes in ``state``/locks, and refuses a second run that
    wants the same. A run that is killed leaves them, and each later one would be refused until somebody unlocks
    the folder. They go here where no process of this kind is alive any more, which the kernel knows.

    Args:
        state: Snakemake's folder ``.snakemake``.

    Returns:
        The open file that stands for this process; None where the file system knows no locks, and nothing
        was done.
    """
    state.mkdir(exist_ok=True)
    file = (state / "malmoi.lock").open("a", encoding="utf-8")
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            for left in (state / "locks").glob("*.lock"):
                left.unlink(missing_ok=True)
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError:
        file.close()
        return None
    return file
