"""The most memory that a process has held."""

from __future__ import annotations

import re
from pathlib import Path


def peak_mb() -> float:
    """Return the peak of this process's resident memory in megabytes, since it began its program.

    ``ru_maxrss`` will not do: a child starts with what its parent held.
    """
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "this system does not say how much memory a process has held"
    return int(found[1]) / 1024
