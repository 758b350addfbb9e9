"""A script for a rule that a test adds: import what its environment pins, and tell where that came from."""

import importlib
import json
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

# As each stage's script does before all else.
import malmoi


def normal(name: str) -> str:
    """Return a distribution's name in the one form that they are compared in."""
    return re.sub(r"[-_.]+", "-", name).lower()


def import_pinned(pins: list[str]) -> dict[str, list[str]]:
    """Import the modules of distributions; return the files they came from by the distribution's name."""
    modules = packages_distributions()
    files: dict[str, list[str]] = {}
    for pin in pins:
        found = [
            importlib.import_module(name)
            for name, distributions in modules.items()
            if not name.startswith("_") and normal(pin) in map(normal, distributions)
        ]
        files[pin] = [str(module.__file__) for module in found if module.__file__]
    return files


def strangers() -> list[str]:
    """Return the modules loaded by now that are neither the environment's own, malmoi's nor Snakemake's."""
    homes = [
        Path(sys.prefix),
        Path(malmoi.__file__).parents[1],
        Path(".snakemake/scripts").resolve(),
    ]
    found = [
        name
        for name, module in list(sys.modules.items())
        # Modules that a package makes of other things may name a file that is none.
        if Path(file := getattr(module, "__file__", None) or "").is_file()
        and not any(Path(file).is_relative_to(home) for home in homes)
    ]
    return sorted(name for name in found if not name.startswith("snakemake"))


if "snakemake" in globals():
    job = globals()["snakemake"]
    told = {
        "prefix": sys.prefix,
        "files": import_pinned(job.params.pins),
        "strangers": strangers(),
        "path": sys.path,
    }
    Path(job.output[0]).write_text(json.dumps(told, indent=1), encoding="utf-8")
