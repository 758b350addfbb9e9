"""Checkpoints that are whole or not there at all.

DeepSpeed's own ``save_checkpoint`` publishes its ``latest`` file before other ranks have written their
shards, so a kill at the wrong moment leaves a name that cannot be loaded. Here all ranks write into a
``.partial`` folder, then rank 0 lists every file with size and sha256, and a rename makes the checkpoint exist.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from malmoi.atomic import sync, sync_folder, write_json
from malmoi.errors import InputError
from malmoi.fingerprint import of_file
from malmoi.progress import LOG

MANIFEST = "manifest.json"


def name_of(step: int) -> str:
    """Return the folder name of the checkpoint after ``step`` steps."""
    return f"step-{step:08d}"


def step_of(name: str) -> int:
    """Return the steps done of a checkpoint's folder name."""
    return int(name.removeprefix("step-"))


def partial_name(step: int) -> str:
    """Return the folder name under which a checkpoint is written."""
    return name_of(step) + ".partial"


def hold(root: Path) -> TextIO:
    """Keep other runs out of a checkpoint folder until the returned file is closed or the process ends.

    Raises:
        InputError: another process trains in this folder, as one may that outlived its launcher.
    """
    root.mkdir(parents=True, exist_ok=True)
    file = (root / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise InputError(
            f"another process ({holder}) is training in {root}: wait until it is done, or end it"
        ) from error
    except OSError as error:
        LOG.warning("%s: this file system has no locks (%s); start no second run", root, error)
        return file
    file.truncate(0)
    file.write(f"{os.uname().nodename} {os.getpid()}")
    file.flush()
    return file


def drop_partial(root: Path) -> None:
    """Remove what saves that were killed left behind; called on rank 0 before any rank writes."""
    for path in root.glob("step-*.partial"):
        shutil.rmtree(path)


def check_space(root: Path, needed: int) -> None:
    """Raise where a checkpoint of ``needed`` bytes does not fit beside those that are kept until it is whole.

    Raises:
        InputError: the disk has less room; what was saved before is untouched.
    """
    free = shutil.disk_usage(root).free
    if free < needed:
        names = complete_names(root)
        last = f"the last checkpoint is {names[-1]}" if names else "there is no checkpoint yet"
        raise InputError(
            f"{root}: a checkpoint needs {needed / 1e9:.3f} GB, the disk has {free / 1e9:.3f} GB left; {last}. "
            "Make room and run the same command, or keep fewer (pretrain.runtime.keep_checkpoints)"
        )


def publish(root: Path, step: int, facts: dict, keep: int, keep_every: int | None = None) -> None:
    """Turn the partial folder of ``step`` into a checkpoint; called on rank 0 after every rank wrote.

    ``facts`` (step, ranks, ZeRO stage …) go into the manifest. Only ``keep`` checkpoints stay, this one and
    those before it, and of older ones those whose step is a multiple of ``keep_every``. Those of later steps
    go: they were found damaged, or training went back behind them.
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
    sync(root)
    names = complete_names(root)
    here = names.index(final.name)
    old = [
        name
        for name in names[: max(0, here + 1 - keep)]
        if not keep_every or step_of(name) == 0 or step_of(name) % keep_every
    ]
    for other in [*old, *names[here + 1 :]]:
        shutil.rmtree(root / other, ignore_errors=True)


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
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            report(f"checkpoint {root / name} is unreadable and passed over: {error}")
            continue
        if not damaged:
            return {**manifest, "name": name}
        report(f"checkpoint {root / name} is damaged and passed over: {damaged[0]} differs")
    return None
