"""From one raw file, whatever its format, to records: the readers by format, archives within archives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from malmoi.errors import InputError
from malmoi.progress import LOG
from malmoi.readers import (
    delimited,
    hwp,
    json_records,
    law_xml,
    markdown_text,
    parquet_rows,
    pdf,
    plain_text,
    web_page,
)
from malmoi.readers.archive import MAX_DEPTH, Budget, check_size, members
from malmoi.readers.detect import format_of
from malmoi.readers.record import ReadError, Record

Reader = Callable[[bytes, str, Mapping[str, Any]], Iterator[Record]]

READERS: dict[str, Reader] = {
    "text": plain_text.read,
    "markdown": markdown_text.read,
    "json": json_records.read,
    "jsonl": json_records.read_lines,
    "csv": delimited.read,
    "parquet": parquet_rows.read,
    "xml": law_xml.read,
    "html": web_page.read,
    "hwp": hwp.read,
    "pdf": pdf.read,
}


def records_of(
    path: Path, raw_path: str, source: Mapping[str, Any]
) -> Iterator[tuple[str, str, Record]]:
    """Yield raw path, sha256 of the raw bytes and record for each record of a file.

    The file's failure is one more record, with the reason and no text.

    Raises:
        InputError: the file is missing, or its columns are not those of the config.
    """
    limit = int(source.get("max_file_mb", 256) * 1_000_000)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= limit else b""
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file; was it moved while the run was going on?"
        ) from error
    except OSError as error:
        yield (
            raw_path,
            "",
            Record(reason=f"truncated_or_damaged: {type(error).__name__}: {error.strerror}"),
        )
        return
    if size > limit:
        detail = f"too_large: {size / 1e6:.0f} MB, max_file_mb is {limit / 1e6:g}"
        yield raw_path, "", Record(reason=detail)
        return
    yield from _unpacked(data, raw_path, source, Budget(limit), depth=0)


def _unpacked(
    data: bytes, raw_path: str, source: Mapping[str, Any], budget: Budget, depth: int
) -> Iterator[tuple[str, str, Record]]:
    digest = hashlib.sha256(data).hexdigest()
    try:
        if not data.strip(b"\0\t\n\r\f "):
            raise ReadError("empty", f"{len(data)} bytes")
        found = format_of(data, raw_path) if _may_detect(data, source) else source["format"]
        if found == "hwp" and data.startswith(b"PK"):
            check_size(data, budget)
        if found != "zip":
            for record in READERS[found](data, raw_path, source.get("fields") or {}):
                if not record.reason and not record.text.strip():
                    record = Record(record=record.record, reason="no_text")
                yield raw_path, digest, record
            return
        if depth == MAX_DEPTH:
            raise ReadError("unsafe_member", f"archives nested deeper than {MAX_DEPTH}")
        for name, content in members(data, budget):
            inner = f"{raw_path}!{name}"
            if isinstance(content, ReadError):
                yield inner, "", Record(reason=_reason(content))
            else:
                yield from _unpacked(content, inner, source, budget, depth + 1)
    except ReadError as error:
        yield raw_path, digest, Record(reason=_reason(error))
    except (InputError, MemoryError):
        raise
    # The boundary of a file. Readers turn the failures they know into ReadError; the libraries under
    # them meet files nobody has seen before, and one of those must not end a run of a million.
    except Exception as error:
        LOG.exception("%s", raw_path)
        yield (
            raw_path,
            digest,
            Record(reason=f"truncated_or_damaged: {type(error).__name__}: {error}"),
        )


def _may_detect(data: bytes, source: Mapping[str, Any]) -> bool:
    """Tell whether the content decides: with ``auto``, and for archives of files of a set format."""
    format_name = source.get("format", "auto")
    return format_name == "auto" or (format_name != "hwp" and data.startswith(b"PK"))


def _reason(error: ReadError) -> str:
    return f"{error.reason}: {error.detail}" if error.detail else error.reason
