"""When jobs that wait for each other end on a number of cores."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A job of a stage: its seconds, the cores it keeps busy and the numbers of the jobs it waits for."""

    stage: str
    seconds: float
    threads: int = 1
    after: tuple[int, ...] = ()


def simulate(jobs: Sequence[Job], cores: int) -> list[float]:
    """Return the second each job ends at, when jobs start as soon as they can, in the order they could.

    A job that asks for more cores than there are takes all, as Snakemake lets it.
    """
    missing = [len(job.after) for job in jobs]
    readers: list[list[int]] = [[] for _ in jobs]
    for number, job in enumerate(jobs):
        for before in job.after:
            readers[before].append(number)
    ends = [0.0] * len(jobs)
    ready = deque(number for number, count in enumerate(missing) if not count)
    running: list[tuple[float, int]] = []
    now, free = 0.0, cores
    while ready or running:
        while ready and min(jobs[ready[0]].threads, cores) <= free:
            number = ready.popleft()
            free -= min(jobs[number].threads, cores)
            ends[number] = now + jobs[number].seconds
            heapq.heappush(running, (ends[number], number))
        now, number = heapq.heappop(running)
        free += min(jobs[number].threads, cores)
        for reader in readers[number]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    return ends
