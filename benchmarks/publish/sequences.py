"""Random sequences of faults: what the repository holds after them, and after a rerun."""

from __future__ import annotations

import shutil
from pathlib import Path

from malmoi.progress import LOG
from tools.hub_publisher import Publisher, make_package
from tools.hub_sequences import run_sequence
from tools.hub_server import HubServer

SEQUENCES = 300

#: The first seed; the tests take those from 0.
FIRST = 1000

TOKEN = "hf_markedTokenOfTheBenchmark"


def measure(data: Path, work: Path) -> dict[str, float]:
    """Run the sequences and count what must not be; ``data`` is not used."""
    folder = work / "sequences"
    shutil.rmtree(folder, ignore_errors=True)
    packages = (make_package(folder / "old", 1), make_package(folder / "new", 2))
    (folder / "publisher").mkdir()
    outcomes = []
    with HubServer({TOKEN: "writer"}) as hub, Publisher(hub.url, folder / "publisher") as publisher:
        for seed in range(FIRST, FIRST + SEQUENCES):
            outcome = run_sequence(hub, publisher, packages, TOKEN, seed)
            if outcome.half or outcome.unfinished or outcome.repeated or outcome.leaks:
                LOG.error("seed %d: %s", seed, outcome)
            outcomes.append(outcome)
    return {
        "fault_sequences": sum(outcome.met > 0 for outcome in outcomes),
        "faults": sum(len(outcome.faults) for outcome in outcomes),
        "requests_failed": sum(outcome.met for outcome in outcomes),
        "failed_first": sum(outcome.failed for outcome in outcomes),
        "half_published": sum(outcome.half for outcome in outcomes),
        "unfinished_after_rerun": sum(bool(outcome.unfinished) for outcome in outcomes),
        "repeated_commits": sum(outcome.repeated for outcome in outcomes),
        "noop_commits": sum(outcome.noop_commits for outcome in outcomes),
        "token_leaks": sum(len(outcome.leaks) for outcome in outcomes),
    }
