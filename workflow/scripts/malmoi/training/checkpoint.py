"""Checkpoints that are whole or not there at all.

DeepSpeed publishes its ``latest`` file before other ranks have written their shards, so a kill at the wrong
moment leaves a name that cannot be loaded. Here all ranks write into a ``.partial`` folder, then rank 0 lists
every file with size and sha256, and a rename makes the checkpoint exist.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from malmoi.atomic import sync_folder, write_json
from malmoi.fingerprint import of_file
from malmoi.progress import LOG

MANIFEST = "manifest.json"


def name_of(step: int) -> str:
    """Return the folder name of the checkpoint after ``step`` steps."""
    return f"step-{step:08d}"


def partial_name(step: int) -> str:
    """Return the folder name under which a checkpoint is written."""
    return name_of(step) + ".partial"


def publish(root: Path, step: int, facts: dict, keep: int) -> None:
    """Turn the partial folder of ``step`` into a checkpoint; called on rank 0 after every rank wrote.

    ``facts`` (step, ranks, ZeRO stage …) go into the manifest. Only the newest ``keep`` checkpoints stay.
    """
    partial, final = root / partial_name(step), root / name_of(step)
    files = sorted(path for path in partial.rglob("*") if path.is_file())
    write_json(
        partial / MANIFEST,
        {
            **facts,
            "step": step,
            "files": {
                str(path.relative_to(partial)): {
                    "size": path.stat().st_size,
                    "sha256": of_file(path),
                }
                for path in files
                if path.name != MANIFEST
            },
        },
    )
    sync_folder(partial)
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    sync_folder_names(root)
    for old in complete_names(root)[:-keep]:
        shutil.rmtree(root / old, ignore_errors=True)


def sync_folder_names(folder: Path) -> None:
    """Force the names in a folder to disk, after a rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def complete_names(root: Path) -> list[str]:
    """Return the checkpoints that were published, oldest first."""
    if not root.is_dir():
        return []
    return sorted(
        path.name
        for path in root.iterdir()
        if path.name.startswith("step-") and not path.name.endswith(".partial")
    )


def newest(root: Path, report: Callable[[str], None] = LOG.warning) -> dict | None:
    """Return the manifest, with its ``name``, of the newest checkpoint whose files are all as written.

    A damaged one is reported and passed over.
    """
    for name in reversed(complete_names(root)):
        try:
            manifest = json.loads((root / name / MANIFEST).read_text(encoding="utf-8"))
            damaged = [
                file
                for file, facts in manifest["files"].items()
                if not (root / name / file).is_file()
                or (root / name / file).stat().st_size != facts["size"]
                or of_file(root / name / file) != facts["sha256"]
            ]
        except (OSError, ValueError, KeyError) as error:
            report(f"checkpoint {root / name} is unreadable and passed over: {error}")
            continue
        if not damaged:
            return {**manifest, "name": name}
        report(f"checkpoint {root / name} is damaged and passed over: {damaged[0]} differs")
    return None
