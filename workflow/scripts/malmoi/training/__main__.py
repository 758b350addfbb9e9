"""One rank of a pretraining run: ``python -m malmoi.training PLAN`` or under torchrun.

``PLAN`` is the ``plan.json`` that the workflow leaves in the run's checkpoint folder, so a run can be taken
up without the workflow:

    torchrun --standalone --nproc-per-node=2 -m malmoi.training results/checkpoints/…/plan.json
"""

from __future__ import annotations

import logging
import os
import sys

from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.training.plan import Plan


def main(arguments: list[str]) -> int:
    """Train; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m malmoi.training PLAN", file=sys.stderr)
        return 2
    # A single process needs no launcher: it is rank 0 of 1.
    for name, value in (
        ("RANK", "0"),
        ("LOCAL_RANK", "0"),
        ("WORLD_SIZE", "1"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", "29500"),
    ):
        os.environ.setdefault(name, value)
    plan = Plan.load(arguments[0])
    handler = logging.FileHandler(plan.message_log, mode="a", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    from malmoi.training.loop import train

    try:
        train(plan)
    except InputError as error:
        if os.environ["RANK"] == "0":
            LOG.error("%s", error)
            print(f"malmoi: {error}", file=sys.stderr)
        return 2
    except Exception:
        LOG.exception("rank %s failed", os.environ["RANK"])
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
