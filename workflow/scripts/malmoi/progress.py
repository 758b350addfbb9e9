"""What a person sees while a stage works: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from malmoi.atomic import lacks_room
from malmoi.errors import InputError

Item = TypeVar("Item")

LOG = logging.getLogger("malmoi")

#: Seconds between two lines of a log that is not a terminal.
INTERVAL = 10.0


def log_to(path: str) -> None:
    """Send the stage's messages to ``path`` and, from warnings up, to standard error as well.

    An error nobody caught is written to the log too, so that the log alone tells what happened; one
    that is the user's to mend is a single line, as a full disk is.
    """
    # Emptied, then appended to: the ranks of a pretraining run write into the same file.
    Path(path).write_bytes(b"")
    file = logging.FileHandler(path, mode="a", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    console = logging.StreamHandler()
    console.setFormatter(logging.Formatter("malmoi: %(message)s"))
    console.setLevel(logging.WARNING)
    LOG.handlers[:] = [file, console]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, InputError):
            LOG.critical("%s", error)
        elif lacks_room(error):
            # The system names no file where it is writing that fails.
            named = isinstance(error, OSError) and error.filename is not None
            where = "" if named else f", in {Path.cwd()}"
            LOG.critical("%s%s. Make room and run the same command again", error, where)
        else:
            LOG.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))

    sys.excepthook = report


def track(
    items: Iterable[Item], label: str, total: int | None = None, unit: str = "documents"
) -> Iterator[Item]:
    """Yield ``items`` while showing how far along they are."""
    if sys.stderr.isatty():
        yield from tqdm(items, desc=label, total=total, unit=f" {unit}", dynamic_ncols=True)
        return
    start = last = time.monotonic()
    count = 0
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= INTERVAL:
            last = now
            of = f" of {total}" if total else ""
            LOG.info("%s: %d%s %s, %.0f per second", label, count, of, unit, count / (now - start))
    LOG.info("%s: %d %s in %.1f s", label, count, unit, time.monotonic() - start)
