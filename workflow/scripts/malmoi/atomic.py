"""Write files and folders so that a reader sees the whole new content or the old one, never a part."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

#: Characters of a Parquet file's row group from which it is written, lest long documents fill the memory.
GROUP_CHARACTERS = 16_000_000

#: What systems say where a disk or a quota is full.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def lacks_room(error: BaseException) -> bool:
    """Return whether a disk or a quota was full; libraries wrap the system's error, but keep its words."""
    return any(os.strerror(number) in str(error) for number in FULL)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it onto ``path`` when the block succeeds.

    The parent folder is made where it is missing. On an error the temporary file is removed and the
    error goes on; ``path`` is then untouched. Where a disk is full the error names ``path``.
    """
    target = Path(path)
    temporary = _temporary(target)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            raise OSError(error.errno, os.strerror(error.errno), str(target)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty temporary folder and put it in the place of ``path`` when the block succeeds.

    Two renames do the exchange, so that ``path`` is missing for an instant but never half full.
    """
    target = Path(path)
    temporary = _temporary(target)
    replaced = target.with_name(f".{target.name}.{os.getpid()}.old")
    temporary.mkdir()
    try:
        yield temporary
        sync_folder(temporary)
        if target.exists():
            os.replace(target, replaced)
        os.replace(temporary, target)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(target: Path) -> Path:
    """Return this process's temporary path for a target, whose folder it makes where it is missing.

    What writers that were killed left behind goes: nobody else would ever remove it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{glob.escape(target.name)}.*"):
        if re.fullmatch(r"\d+\.(tmp|old)", left.name[len(target.name) + 2 :]):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def sync_folder(folder: Path) -> None:
    """Force a folder's files, at any depth, and their names to disk."""
    for path in [folder, *folder.rglob("*")]:
        sync(path)


def sync(path: Path) -> None:
    """Force a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys and Hangul left readable."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def write_parquet(path: str | os.PathLike[str], table: pa.Table) -> None:
    """Write ``table`` as Parquet with zstd compression."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


@contextmanager
def writing_rows(
    path: str | os.PathLike[str], schema: pa.Schema, rows_per_group: int
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield a function that adds one row to a Parquet file, which appears when the block succeeds.

    At most ``rows_per_group`` rows, and few more than ``GROUP_CHARACTERS`` characters, are held in memory; the
    file's bytes depend on the rows and these numbers alone. A row holds every field of ``schema`` and no
    other.
    """
    waiting: list[Mapping[str, Any]] = []
    characters = 0
    names = set(schema.names)

    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):

        def flush() -> None:
            nonlocal characters
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()
            characters = 0

        def add(row: Mapping[str, Any]) -> None:
            nonlocal characters
            if row.keys() != names:
                raise ValueError(f"{path}: fields {sorted(row)} are not {sorted(names)}")
            waiting.append(row)
            characters += sum(len(value) for value in row.values() if isinstance(value, str))
            if len(waiting) == rows_per_group or characters >= GROUP_CHARACTERS:
                flush()

        yield add
        if waiting:
            flush()
