"""Whether a workflow may run in a folder: locks, those that killed runs left, and the right to write."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from malmoi.errors import InputError


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

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        state.mkdir(exist_ok=True)
        file = (state / "malmoi.lock").open("a", encoding="utf-8")
    except OSError as error:
        raise _not_writable(state, error.strerror) from error
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


def check_writable(folder: Path) -> None:
    """Do nothing where a folder can be written or is not there yet.

    Raises:
        InputError: it cannot be written, by its permissions or since its disk is read-only.
    """
    if folder.exists() and not os.access(folder, os.W_OK):
        raise _not_writable(folder, "no permission, or a read-only disk")


def _not_writable(folder: Path, reason: str | None) -> InputError:
    return InputError(
        f"{folder.resolve()} cannot be written ({reason}), and what the workflow makes goes there; make it "
        "writable, or run in another folder (snakemake --directory)"
    )
