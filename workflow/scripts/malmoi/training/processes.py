"""What the processes of a run do about each other's end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: ``prctl`` option of Linux: the signal a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Have this process killed when the one that started it ends; only Linux can.

    Args:
        parent: the process that started this one. Where it ended before it could be told to take this one
            along, this one ends here.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
