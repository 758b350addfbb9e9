"""From one raw file, whatever its format, to records: the readers by format, archives within archives."""

from __future__ import annotations

import hashlib
import io
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.readers import (
    delimited,
    hwp,
    json_records,
    markdown_text,
    parquet_rows,
    pdf,
    plain_text,
    web_page,
    workbook,
    xml_file,
)
from malmoi.readers.archive import (
    COMPRESSED,
    MAX_DEPTH,
    Budget,
    check_size,
    container_of,
    decompressed,
    tar_members,
    zip_members,
)
from malmoi.readers.detect import format_of, zip_format
from malmoi.readers.record import ReadError, Record

#: What reads a file of one format, from its bytes, raw path and the source's ``fields``.
Reader = Callable[[bytes, str, Mapping[str, Any]], Iterator[Record]]

READERS: dict[str, Reader] = {
    "text": plain_text.read,
    "markdown": markdown_text.read,
    "json": json_records.read,
    "jsonl": json_records.read_lines,
    "csv": delimited.read,
    "xlsx": workbook.read,
    "parquet": parquet_rows.read,
    "xml": xml_file.read,
    "html": web_page.read,
    "hwp": hwp.read,
    "pdf": pdf.read,
}

#: Formats that unpack inside their library, and what checks beforehand how far.
_CHECKS: dict[str, Callable[[bytes, int], None]] = {
    "hwp": check_size,
    "xlsx": workbook.check_size,
    "parquet": parquet_rows.check_size,
}

#: From so many records without text on, a file that has a hundred times as many as documents is left.
_MOST_FAILURES = 100_000

#: Characters of a line; a book has a tenth of that, and later stages work line by line.
_LONGEST_LINE = 10_000_000

_FILLED = re.compile(rb"[^\0\t\n\r\f ]")

#: Raw path, sha256 of the raw bytes, record.
Found = tuple[str, str, Record]


def records_of(path: Path, raw_path: str, source: Mapping[str, Any]) -> Iterator[Found]:
    """Yield raw path, sha256 of the raw bytes and record for each record of a file.

    A member of an archive has the raw path ``archive.zip!member.txt``; a compressed file has its own. What
    cannot be read is one more record, with the reason and no text, at the path of the file or member. An
    archive is never held in memory as a whole.

    Raises:
        InputError: the file is missing.
    """
    limit = int(source.get("max_file_mb", 256) * 1_000_000)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ReadError("unsafe_member", "not a regular file")
        if status.st_size > limit:
            size = f"{status.st_size / 1e6:.0f} MB, max_file_mb is {limit / 1e6:g}"
            raise ReadError("too_large", size)
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file; was it moved while the run was going on?"
        ) from error
    except OSError as error:
        detail = f"{type(error).__name__}: {error.strerror}"
        yield raw_path, "", Record(reason=f"truncated_or_damaged: {detail}")
        return
    except ReadError as error:
        yield raw_path, "", Record(reason=_reason(error))
        return
    with file:
        yield from _unpacked(file, raw_path, path.name, source, Budget(limit), depth=0)


def _unpacked(
    file: BinaryIO,
    raw_path: str,
    name: str,
    source: Mapping[str, Any],
    budget: Budget,
    depth: int,
    digest: str = "",
) -> Iterator[Found]:
    """Yield what a file or member holds. ``digest`` is that of the raw bytes where ``file`` is not raw."""
    found = False
    try:
        for each in _contents(file, raw_path, name, source, budget, depth, digest):
            found = True
            yield each
        if not found:
            raise ReadError("empty", "neither text nor files in it")
    except ReadError as error:
        yield raw_path, digest, Record(reason=_reason(error))
    except (InputError, MemoryError):
        raise
    # The boundary of a file. Readers turn the failures they know into ReadError; the libraries under
    # them meet files nobody has seen before, and one of those must not end a run of a million.
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__module__ != "pyo3_runtime":
            raise
        LOG.exception("%s", raw_path)
        detail = f"{type(error).__name__}: {error}"
        yield raw_path, digest, Record(reason=f"truncated_or_damaged: {detail}")


def _contents(
    file: BinaryIO,
    raw_path: str,
    name: str,
    source: Mapping[str, Any],
    budget: Budget,
    depth: int,
    digest: str,
) -> Iterator[Found]:
    head = file.read(512)
    file.seek(0)
    kind = container_of(head)
    if kind == "zip":
        kind = zip_format(file)
        file.seek(0)
    if kind not in ("zip", "tar", *COMPRESSED):
        data = file.read()
        digest = digest or hashlib.sha256(data).hexdigest()
        for record in _records(data, kind, raw_path, name, source, budget):
            yield raw_path, digest, record
        return
    if depth == MAX_DEPTH:
        raise ReadError("unsafe_member", f"archives nested deeper than {MAX_DEPTH}")
    if kind in COMPRESSED:
        digest = digest or hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        with decompressed(file, kind, budget) as stream:
            if container_of(stream.peek(512)[:512]) != "tar":
                inner = PurePosixPath(name)
                plain = inner.stem if inner.suffix.lower() in (".gz", ".zst") else name
                content = io.BytesIO(stream.read())
                yield from _unpacked(content, raw_path, plain, source, budget, depth + 1, digest)
                return
            yield from _members(tar_members(stream), raw_path, source, budget, depth)
        return
    members = zip_members(file, budget) if kind == "zip" else tar_members(file)
    yield from _members(members, raw_path, source, budget, depth)


def _members(
    members: Iterator[tuple[str, bytes | ReadError]],
    raw_path: str,
    source: Mapping[str, Any],
    budget: Budget,
    depth: int,
) -> Iterator[Found]:
    for name, content in members:
        inner = f"{raw_path}!{name}"
        if isinstance(content, ReadError):
            yield inner, "", Record(reason=_reason(content))
        else:
            last = PurePosixPath(name).name
            yield from _unpacked(io.BytesIO(content), inner, last, source, budget, depth + 1)


def _records(
    data: bytes, kind: str, raw_path: str, name: str, source: Mapping[str, Any], budget: Budget
) -> Iterator[Record]:
    """Yield the records of a file that is no archive; ``kind`` is its format where that is known."""
    if not _FILLED.search(data):
        raise ReadError("empty", f"{len(data)} bytes")
    format_name = kind or source.get("format", "auto")
    if format_name == "auto":
        format_name = format_of(data, name)
    if format_name in _CHECKS:
        _CHECKS[format_name](data, budget.left)
    documents = failures = characters = 0
    for record in READERS[format_name](data, raw_path, source.get("fields") or {}):
        if not record.reason and not record.text.strip():
            record = Record(record=record.record, reason="no_text")
        elif len(record.text) > _LONGEST_LINE and (size := _longest_line(record.text)):
            reason = f"too_large: a line of {size} characters"
            record = Record(record=record.record, reason=reason)
        yield record
        documents += not record.reason
        failures += bool(record.reason)
        characters += len(record.text)
        if characters > max(len(data), budget.left):
            raise ReadError("too_large", "the texts are longer than max_file_mb")
        if failures > max(_MOST_FAILURES, 100 * documents):
            detail = f"{failures} records without text; the rest was not read"
            raise ReadError("bad_record", detail)


def _longest_line(text: str) -> int:
    """Return the length of the longest line where it is longer than any line of a document."""
    longest = start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        longest, start = max(longest, end - start), end + 1
    return longest if longest > _LONGEST_LINE else 0


def _reason(error: ReadError) -> str:
    return f"{error.reason}: {error.detail}" if error.detail else error.reason
