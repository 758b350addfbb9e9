"""One rank of a pretraining run: ``python -m malmoi.training PLAN`` or under torchrun.

``PLAN`` is the ``plan.json`` that the workflow leaves in the run's checkpoint folder, so a run can be taken
up without the workflow:

    torchrun --standalone --nproc-per-node=2 -m malmoi.training results/checkpoints/…/plan.json
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from pathlib import Path

from malmoi.atomic import lacks_room, write_text
from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.training.launch import drop_stale_locks
from malmoi.training.plan import REFUSAL, Plan
from malmoi.training.processes import end_with_parent


def main(arguments: list[str]) -> int:
    """Train; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m malmoi.training PLAN", file=sys.stderr)
        return 2
    if "WORLD_SIZE" not in os.environ:
        _be_the_only_rank()
        drop_stale_locks(os.environ)
    elif "TORCHELASTIC_RUN_ID" in os.environ:
        # A rank left alone by a killed torchrun would write beside the run that follows it.
        end_with_parent(os.getppid())
    plan = Plan.load(arguments[0])
    Path(plan.message_log).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(plan.message_log, mode="a", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    from malmoi.training.loop import train

    try:
        train(plan)
    except InputError as error:
        _refuse(plan, str(error))
        return 2
    except Exception as error:
        if not lacks_room(error):
            LOG.exception("rank %s failed", os.environ["RANK"])
            raise
        _refuse(
            plan, f"{error}: what was saved before is whole. Make room and run the same command"
        )
        return 2
    return 0


def _refuse(plan: Plan, message: str) -> None:
    """Say why a run cannot go on: to the launcher, in the log and on standard error."""
    told = False
    # Any rank may come here first, and its end ends the others; the launcher reads the file.
    with contextlib.suppress(OSError):
        write_text(Path(plan.checkpoints) / REFUSAL, message)
        told = True
    if os.environ["RANK"] == "0" or not told:
        LOG.error("%s", message)
        print(f"malmoi: {message}", file=sys.stderr)


def _be_the_only_rank() -> None:
    """Make this process rank 0 of 1, which needs no launcher, on a port that nothing else uses."""
    # The launcher's ninja: another one's build log would have DeepSpeed's extension built anew each time.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in (
        ("RANK", "0"),
        ("LOCAL_RANK", "0"),
        ("WORLD_SIZE", "1"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", str(port)),
    ):
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
