"""Run the workflow on the real documents, in a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def read_config(path: Path, data: Path) -> dict[str, Any]:
    """Return a configuration with the paths of its sources and evaluation sets put under ``data``."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    sets = config.get("curate", {}).get("decontaminate", {}).get("sets", [])
    for item in (*config["corpus"]["sources"], *sets):
        item["path"] = str(data / item["path"])
    return config


def run(
    config: dict[str, Any],
    folder: Path,
    targets: Sequence[str] = (),
    cores: int = 2,
    through: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Path:
    """Run Snakemake in ``folder`` up to the targets, all where none is named, and return its results' folder.

    ``through`` is a command that runs the one behind it; ``options`` are further ones of Snakemake's.

    Raises:
        CalledProcessError: the run failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    command = [*through, sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(path), "--cores", str(cores)]
    subprocess.run([*command, "--rerun-incomplete", *options, "--", *targets], check=True)
    return folder / "results"
