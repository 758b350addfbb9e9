"""What a run of Snakemake and each of its stages take: CPU time and memory of all their processes.

    python benchmarks/scale/usage.py REPORT COMMAND...

runs the command and writes its `Usage` to the file REPORT, every few seconds, so that a run that is killed has
left what it took. Snakemake's own benchmark files look at a job every 30 seconds and miss what comes after.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

#: Seconds between looks, so what a process takes after the last one is missed.
EVERY = 0.5
#: Looks after which the report is written.
_WRITTEN = 10
#: What Snakemake starts for a job: a copy of the stage's script.
_SCRIPT = re.compile(r"/\.snakemake/scripts/tmp[a-z0-9_]{8}\.(\w+)\.py$")


@dataclass
class Stage:
    """What the jobs of one script took: ``peak_mb`` is the most resident memory of one process of theirs."""

    jobs: int = 0
    seconds: float = 0
    cpu_seconds: float = 0
    peak_mb: float = 0

    def add(self, other: Stage) -> None:
        """Count what other jobs took."""
        self.jobs += other.jobs
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.peak_mb = max(self.peak_mb, other.peak_mb)


@dataclass
class Usage:
    """What a run took with all its processes, Snakemake's own among them, and what its stages did, by script.

    ``watched_cpu_seconds`` is what was seen by looking, ``cpu_seconds`` what the kernel says of processes that
    have ended: the two are the same where the run was killed.
    """

    seconds: float = 0
    cpu_seconds: float = 0
    watched_cpu_seconds: float = 0
    peak_mb: float = 0
    stages: dict[str, Stage] = field(default_factory=dict)


def read(reports: Iterable[Path]) -> Usage:
    """Return what several runs took together, among them such as were cut off."""
    whole = Usage()
    for path in sorted(reports):
        part = json.loads(path.read_text(encoding="utf-8"))
        for name in ("seconds", "cpu_seconds", "watched_cpu_seconds"):
            setattr(whole, name, getattr(whole, name) + part[name])
        whole.peak_mb = max(whole.peak_mb, part["peak_mb"])
        for name, stage in part["stages"].items():
            whole.stages.setdefault(name, Stage()).add(Stage(**stage))
    return whole


def watch(command: list[str], report: Path) -> int:
    """Run a command, write what it takes, and return its exit status."""
    started = time.monotonic()
    process = subprocess.Popen(command)
    watched = _Watched(psutil.Process(process.pid))
    looks = 0
    while process.poll() is None:
        watched.look()
        looks += 1
        if looks % _WRITTEN == 0:
            _write(report, watched.usage(time.monotonic() - started))
        time.sleep(EVERY)
    usage = watched.usage(time.monotonic() - started)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    usage.cpu_seconds = ended.ru_utime + ended.ru_stime
    _write(report, usage)
    return process.returncode


@dataclass(eq=False)
class _Job:
    stage: str
    began: float
    taken: Stage = field(default_factory=lambda: Stage(jobs=1))


class _Watched:
    """The processes below one, looked at again and again."""

    def __init__(self, top: psutil.Process) -> None:
        self._top = top
        self._cpu_seconds = 0.0
        self._peak_mb = 0.0
        self._jobs: dict[psutil.Process, _Job] = {}

    def look(self) -> None:
        """Note what the processes alive have taken so far."""
        total = 0.0
        jobs: dict[int, _Job | None] = {}
        spent: dict[_Job, float] = {}
        for process in [self._top, *self._top.children(recursive=True)]:
            try:
                job = jobs[process.pid] = jobs.get(process.ppid()) or self._job(process)
                seconds, peak = sum(process.cpu_times()[:4]), _peak_mb(process.pid)
            except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                continue
            total += seconds
            self._peak_mb = max(self._peak_mb, peak)
            if job is not None:
                spent[job] = spent.get(job, 0.0) + seconds
                job.taken.peak_mb = max(job.taken.peak_mb, peak)
        # Between its end and its parent's asking for its times a process may be missing from both.
        self._cpu_seconds = max(self._cpu_seconds, total)
        for job, seconds in spent.items():
            job.taken.cpu_seconds = max(job.taken.cpu_seconds, seconds)
            job.taken.seconds = time.time() - job.began

    def usage(self, seconds: float) -> Usage:
        """Return what was seen."""
        usage = Usage(seconds, self._cpu_seconds, self._cpu_seconds, self._peak_mb)
        for job in self._jobs.values():
            usage.stages.setdefault(job.stage, Stage()).add(job.taken)
        return usage

    def _job(self, process: psutil.Process) -> _Job | None:
        """Return the job that Snakemake started a process for, by its command line."""
        if process not in self._jobs:
            script = next(filter(None, map(_SCRIPT.search, process.cmdline())), None)
            if script is None:
                return None  # so far: a process that was just forked shows its parent's
            self._jobs[process] = _Job(script[1], process.create_time())
        return self._jobs[process]


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    return 0.0  # a process that has ended holds nothing


def _write(path: Path, usage: Usage) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(usage), indent=2), encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(watch(sys.argv[2:], Path(sys.argv[1])))
