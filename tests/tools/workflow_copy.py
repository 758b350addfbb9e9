"""A copy of the workflow with a small corpus, run with Snakemake's own command as a user runs a clone."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).resolve().parents[2]

FIELDS = {"text": "text", "title": "title", "kind": "kind", "group": "group"}

#: The cheapest configuration that takes every stage: one shard, one phase, four steps of a model of width 16.
SMALL: dict[str, Any] = {
    "seed": 20,
    "corpus": {
        "shards": 1,
        "sources": [
            {
                "name": domain,
                "path": f"raw/{domain}",
                "pattern": "*.jsonl",
                "domain": domain,
                "license": "MIT",
                "fields": FIELDS,
            }
            for domain in ("legal", "medical")
        ],
    },
    "curate": {"split": {"validation": 0.1, "test": 0.1}},
    "vocabulary": {"size": 2048},
    "instances": {"duplicates": 1, "phases": [{"name": "l64", "max_seq_length": 64}]},
    "pretrain": {
        "model": {"layers": 1, "hidden_size": 16, "heads": 2},
        "max_position_embeddings": 64,
        "phases": [{"name": "l64", "steps": 4, "batch_size": 8, "micro_batch_size": 8}],
        "precision": "fp32",
        "held_out_instances": 8,
        "runtime": {"log_every": 2, "held_out_every": 4, "checkpoint_every": 4},
    },
    "evaluate": {
        "audit": {"documents": 40, "masks": 1, "completions": 2, "reference_steps": 20},
    },
    "publish": {"license": "mit", "target": "folder", "parity_documents": 20},
    "experiments": {"demo": {}},
}


class WorkflowCopy:
    """A folder with the workflow's own files, whose ``config.yaml`` and code a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("workflow", "envs", "profiles"):
            shutil.copytree(
                REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy2(REPO / "Snakefile", folder)

    @classmethod
    def of(cls, folder: Path) -> WorkflowCopy:
        """Return the copy that a folder already is."""
        workflow = cls.__new__(cls)
        workflow.folder = folder
        return workflow

    def generate(self, megabytes: float) -> None:
        """Fill ``raw/legal`` and ``raw/medical`` with generated documents."""
        command = [sys.executable, str(REPO / "sample" / "generate.py"), "--output", "raw/legal"]
        subprocess.run(
            [*command, "--megabytes", str(megabytes)],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        (self.folder / "raw" / "medical").mkdir()
        for kind in ("drug_leaflet", "clinical_note", "guideline"):
            name = f"{kind}.jsonl"
            (self.folder / "raw" / "legal" / name).rename(self.folder / "raw" / "medical" / name)

    def configure(self, config: dict[str, Any] | str) -> None:
        """Write ``config.yaml``, from YAML text or from what becomes it."""
        if not isinstance(config, str):
            config = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
        (self.folder / "config.yaml").write_text(config, encoding="utf-8")

    def snakemake(
        self, *options: str, config: dict[str, Any] | str
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with ``config`` (YAML text, or what becomes it) as ``config.yaml``."""
        self.configure(config)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *options],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def plan(self, config: dict[str, Any], *options: str) -> dict[str, int]:
        """Return the jobs of each rule that a dry run plans; ``all``, which does nothing, is left out."""
        run = self.snakemake("--dry-run", "--cores", "2", *options, config=config)
        assert run.returncode == 0, run.stderr
        return planned(run.stdout)

    @contextlib.contextmanager
    def appended(self, name: str, text: str) -> Iterator[None]:
        """Put text at the end of a file for a while."""
        path = self.folder / name
        before, status = path.read_bytes(), path.stat()
        path.write_bytes(before + text.encode("utf-8"))
        try:
            yield
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def planned(output: str) -> dict[str, int]:
    """Read the table of jobs that Snakemake prints."""
    table = output.partition("Job stats:")[2].partition("total ")[0]
    if not table:
        assert "Nothing to be done" in output, output
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
    jobs.pop("all", None)
    return jobs


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a configuration with one setting changed.

    ``path`` is as error messages write it, ``corpus.sources[0].path``. A function gets the old value.
    """
    result = copy.deepcopy(config)
    *parents, last = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", path)]
    target: Any = result
    for parent in parents:
        target = target[parent] if isinstance(parent, int) else target.setdefault(parent, {})
    target[last] = value(copy.deepcopy(target[last])) if isinstance(value, Callable) else value
    return result


#: Every stage, the packages of data set and tokenizer among them, and one task.
EVERY_STAGE: dict[str, Any] = changed(
    changed(
        SMALL,
        "publish",
        lambda settings: {
            **settings,
            "tokenizer_repo_id": "test/tokenizer",
            "dataset_repo_id": "test/documents",
            "dataset_licences": ["MIT"],
        },
    ),
    "evaluate.tasks",
    [
        {
            **{"name": "domain", "label": "domain", "max_seq_length": 32},
            **{"epochs": 1, "seeds": [0], "learning_rates": [0.001]},
        }
    ],
)
