"""The most memory that a process has held, in megabytes."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def peak_mb() -> float:
    """Return the peak of this process's resident memory, since it began its program.

    ``ru_maxrss`` will not do: a child starts with what its parent held.
    """
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "this system does not say how much memory a process has held"
    return int(found[1]) / 1000


def peak_of(path: Path, function: str, arguments: Mapping[str, Any]) -> float:
    """Return the peak of a process of its own that runs ``module:function`` of malmoi's.

    ``path`` is a file to hand the arguments over in; what is no JSON among them goes as text.
    """
    path.write_text(json.dumps([function, arguments], default=str), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.peak", str(path)],
        env={"PYTHONPATH": f"{ROOT / 'workflow' / 'scripts'}:{ROOT}", "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    return round(float(run.stdout.split()[-1]), 1)


if __name__ == "__main__":
    called, given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    module, _, name = called.partition(":")
    getattr(importlib.import_module(module), name)(**given)
    print(peak_mb())
