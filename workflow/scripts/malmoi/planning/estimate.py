"""Stage times and storage of a corpus of another size, from those of a finished run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from malmoi.errors import InputError
from malmoi.planning.measured import Stage
from malmoi.planning.schedule import Job, simulate

#: Stages that are one job for the whole corpus: nothing after one begins before it ends.
WHOLE = ("find_duplicates", "curation_report", "vocabulary", "ledger")

#: Whole stages that none waits for.
LAST = ("curation_report", "ledger")

#: Cores that a job of the stage keeps busy, as its rule says; one where nothing is said.
THREADS = {"segment": 2, "vocabulary": 2}

#: Most shards that the configuration's schema lets a corpus have.
MOST_SHARDS = 9999


@dataclass(frozen=True)
class Row:
    """What a stage takes: jobs, hours of CPU, the hours at which it begins and ends, and bytes."""

    stage: str
    jobs: int
    cpu_hours: float
    begins: float
    ends: float
    size: float


def estimate(
    measured_gigabytes: float,
    stages: Mapping[str, Stage],
    gigabytes: float,
    cores: int,
    shard_megabytes: float = 200,
    sample_megabytes: float = 200,
) -> list[Row]:
    """Return what each stage takes for ``gigabytes`` of text on ``cores`` cores.

    Seconds and bytes grow with the text, but those of learning a vocabulary only up to
    ``sample_megabytes``, what `vocabulary.sample_mb` says. The order and the waiting of jobs are
    simulated, with as many shards as ``shard_megabytes`` of text each give.

    Raises:
        InputError: a size or the number of cores is not above 0.
    """
    if min(gigabytes, cores, shard_megabytes, sample_megabytes) <= 0:
        raise InputError("sizes and cores must be above 0; give others")
    growth = gigabytes / measured_gigabytes
    sample = sample_megabytes / 1000
    learned = min(gigabytes, sample) / min(measured_gigabytes, sample)
    factors = {stage: learned if stage == "vocabulary" else growth for stage in stages}
    shards = min(MOST_SHARDS, math.ceil(gigabytes * 1000 / shard_megabytes))
    jobs: list[Job] = []
    numbers: dict[str, list[int]] = {}
    # What a shard's next job, and any shard's, waits for.
    before: list[tuple[int, ...]] = [()] * shards
    for stage, took in stages.items():
        seconds = took.seconds * factors[stage]
        threads = THREADS.get(stage, 1)
        first = len(jobs)
        if stage in WHOLE:
            everything = tuple(sorted({number for waiting in before for number in waiting}))
            jobs.append(Job(stage, seconds, threads, everything))
            if stage not in LAST:
                before = [(first,)] * shards
        else:
            jobs += [Job(stage, seconds / shards, threads, waiting) for waiting in before]
            before = [(number,) for number in range(first, len(jobs))]
            if stage == "ingest":
                # A batch holds documents of all shards: `digest_shards` waits for all, and takes no time.
                numbers[stage] = list(range(first, len(jobs)))
                jobs.append(Job("digest_shards", 0, 1, tuple(numbers[stage])))
                before = [(len(jobs) - 1,)] * shards
        numbers.setdefault(stage, list(range(first, len(jobs))))
    ends = simulate(jobs, cores)
    return [
        Row(
            stage,
            len(own),
            took.cpu_seconds * factors[stage] / 3600,
            min(ends[number] - jobs[number].seconds for number in own) / 3600,
            max(ends[number] for number in own) / 3600,
            took.size * growth,
        )
        for (stage, took), own in zip(stages.items(), numbers.values(), strict=True)
    ]
